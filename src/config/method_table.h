#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace incubate {

/// The kinds of training. Values enter random addresses: never renumber.
enum class Phase : std::uint64_t {
  meta = 0,
  incubation = 1,
  finetuning = 2,
  end_to_end = 3,
  grown = 4,
  shallow = 5,
  high_resolution = 6,
  end_to_end_high_resolution = 7,
  transfer = 8
};

/// The network of a training: the meta model, the meta model with one stage of the target, or the target.
enum class Network { meta, hybrid, target };

/// The origin of a training's first weights.
enum class FirstWeights {
  random,
  copied,      ///< the source's stages; in a hybrid the incubated stage is random
  grown,       ///< the source's network with added blocks that are the identity
  resampled,   ///< the source's network for another image size
  transferred  ///< the network of transfer.from, of another run or program, perhaps with a new head
};

/// Whether a training takes the setting `epochs = matched`: it spends the block FLOPs of Deep Incubation, less those of
/// its sources.
enum class Matched { no, possible };

/// A kind of training. A hybrid's row stands for one training a stage.
struct MethodRow {
  Phase phase;
  const char* name;               ///< of the phase, in files and logs
  const char* training;           ///< of the training; for a hybrid the part before the stage's number
  const char* section;            ///< the section of its settings
  std::optional<Phase> inherits;  ///< the phase whose recipe it has, except where its own section says otherwise
  Network network;
  FirstWeights first_weights;
  std::optional<Phase> source;  ///< the phase whose trainings provide the first weights
  Matched matched;
  int result_place;    ///< place of the method's row in the table of results, from 1; 0: no row
  const char* method;  ///< the row's name for the method
  const char* choice;  ///< the method's name in method.trainings; "": cannot be chosen
};

/// The method and its controls, sources first, in the order in which they run. Everything that depends on the list of
/// trainings reads this table: a new control is a new row.
// clang-format off
inline constexpr std::array kMethodTable = {
    MethodRow{Phase::meta, "meta", "meta", "meta", {},
              Network::meta, FirstWeights::random, {}, Matched::no,
              5, "meta model alone", ""},
    MethodRow{Phase::incubation, "incubation", "stage_", "incubation", {},
              Network::hybrid, FirstWeights::copied, Phase::meta, Matched::no,
              0, "", ""},
    MethodRow{Phase::finetuning, "finetuning", "finetuned", "finetuning", {},
              Network::target, FirstWeights::copied, Phase::incubation, Matched::no,
              1, "Deep Incubation", "deep_incubation"},
    MethodRow{Phase::end_to_end, "end_to_end", "end_to_end", "end_to_end", {},
              Network::target, FirstWeights::random, {}, Matched::possible,
              2, "end to end", "end_to_end"},
    MethodRow{Phase::grown, "grown", "grown", "grown", Phase::end_to_end,
              Network::target, FirstWeights::grown, Phase::meta, Matched::possible,
              3, "grown from the meta model", "grown"},
    MethodRow{Phase::shallow, "shallow", "shallow", "shallow", Phase::meta,
              Network::meta, FirstWeights::random, {}, Matched::possible,
              4, "shallow for the whole budget", "shallow"},
    MethodRow{Phase::high_resolution, "high_resolution", "high_resolution", "high_resolution", {},
              Network::target, FirstWeights::resampled, Phase::finetuning, Matched::no,
              6, "Deep Incubation, high resolution", "high_resolution"},
    MethodRow{Phase::end_to_end_high_resolution, "end_to_end_high_resolution", "end_to_end_high_resolution",
              "high_resolution", {},
              Network::target, FirstWeights::resampled, Phase::end_to_end, Matched::no,
              7, "end to end, high resolution", "end_to_end_high_resolution"},
    MethodRow{Phase::transfer, "transfer", "transfer", "transfer", Phase::finetuning,
              Network::target, FirstWeights::transferred, {}, Matched::no,
              8, "transfer", "transfer"}};
// clang-format on

const MethodRow& row_of(Phase phase);
/// Returns the row of training `name`, such as "stage_2", or of a method named so in method.trainings. Returns null if
/// there is none. Accepts every stage number.
const MethodRow* find_row(std::string_view name);

/// Returns the name of a training. Only a hybrid's name contains `stage`.
std::string training_name(const MethodRow& row, std::int64_t stage);
/// Returns the names of all trainings of a network with `num_stages` stages.
std::vector<std::string> list_training_names(std::int64_t num_stages);

/// Returns the methods' names in method.trainings: Deep Incubation, then its controls.
std::vector<std::string> list_choices();

/// Returns the phases that the weights of a network of `phase` come from, first to last, with `phase` at the end.
std::vector<Phase> lineage_of(Phase phase);

/// Returns the rows with a place in the table of results, in its order.
std::vector<const MethodRow*> list_methods();

const char* to_string(Phase phase);
const char* to_string(Network network);
/// Returns the section of the phase's settings. Both methods' high resolution share one.
const char* section_of(Phase phase);

}  // namespace incubate

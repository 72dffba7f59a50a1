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
  end_to_end_high_resolution = 7
};

/// A training's network: the meta model, the meta model with one stage of the target, or the target.
enum class Network { meta, hybrid, target };

/// How a training comes by its first weights.
enum class FirstWeights {
  random,
  copied,    ///< the source's stages; the stage that a hybrid incubates is random
  grown,     ///< the source's network, with blocks added that are the identity
  resampled  ///< the source's network, for another image size
};

/// The setting `epochs = matched`: as long as it takes to spend what Deep Incubation spends, less what the training's
/// sources have spent.
enum class Matched { no, possible };

/// One kind of training. A hybrid's row stands for a training a stage.
struct MethodRow {
  Phase phase;
  const char* name;               ///< the phase's, in files and logs
  const char* training;           ///< the training's; of a hybrid's what comes before the stage's number
  const char* section;            ///< of its settings
  std::optional<Phase> inherits;  ///< the phase whose recipe is this one's where its own section says nothing
  Network network;
  FirstWeights first_weights;
  std::optional<Phase> source;  ///< the phase whose trainings the first weights come from
  Matched matched;
  int result_place;    ///< of the method's row in the table of results, from 1; 0: it has none
  const char* method;  ///< what that row calls the way to come by this network
  const char* choice;  ///< the method's name in method.trainings; "": it is not chosen as a method
};

/// The method and what it is compared with, sources first, in the order that they are run. Everything that must know
/// which trainings there are reads it here: a new control is a new row.
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
              7, "end to end, high resolution", "end_to_end_high_resolution"}};
// clang-format on

const MethodRow& row_of(Phase phase);
/// The row of the training `name`, such as "stage_2"; also by a method's name in method.trainings. Null if there is
/// none; whether there is a stage of that number is not looked at.
const MethodRow* find_row(std::string_view name);

/// The name of a training; `stage` is a hybrid's.
std::string training_name(const MethodRow& row, std::int64_t stage);
/// Returns the names of all trainings of a network with `num_stages` stages.
std::vector<std::string> list_training_names(std::int64_t num_stages);

/// The methods as method.trainings names them: Deep Incubation, then what it is compared with.
std::vector<std::string> list_choices();

/// Returns the phases that the weights of a network of `phase` come from, first to last, `phase` itself at the end.
std::vector<Phase> lineage_of(Phase phase);

/// The rows with a place in the table of results, in its order.
std::vector<const MethodRow*> list_methods();

const char* to_string(Phase phase);
const char* to_string(Network network);
/// The section of the phase's settings: both methods' high resolution share one.
const char* section_of(Phase phase);

}  // namespace incubate

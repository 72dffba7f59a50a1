#include "method/round.h"

#include <algorithm>

#include "method/run_training.h"

namespace incubate {
namespace {

/// Index of the group that holds `rank`.
std::size_t group_of(const std::vector<GroupPlan>& groups, int rank) {
  const auto found = std::ranges::find_if(groups, [rank](const GroupPlan& group) {
    return rank >= group.first_rank && rank < group.first_rank + group.num_ranks;
  });
  return found - groups.begin();
}

}  // namespace

void run_round(const RunContext& context, const std::vector<std::int64_t>& indices, const Communicator& world,
               torch::Device device, StatusChannel& channel) {
  const std::vector<GroupPlan> groups = deal_ranks(static_cast<std::int64_t>(indices.size()), world.size());
  const std::size_t mine = group_of(groups, world.rank());
  std::vector<int> leaders;
  for (const GroupPlan& group : groups) leaders.push_back(static_cast<int>(group.first_rank));

  ProcessGroup group(world.split(static_cast<int>(mine)), device);
  const SendReport send_report = [&](const StatusReport& report) {
    if (!group.is_leader()) return;
    const bool is_usual =
        report.event == StatusReport::Event::evaluating ||
        (report.event == StatusReport::Event::step && report.step < context.trainings[report.training].total_steps);
    channel.report(std::as_bytes(std::span(&report, 1)),
                   is_usual ? StatusChannel::Urgency::usual : StatusChannel::Urgency::urgent);
  };
  for (const std::int64_t training : groups[mine].trainings)
    run_training(context, indices[training], group, send_report);
  channel.meet(leaders);
}

}  // namespace incubate

// A run on a thread of its own, halted, looked at and changed from outside between its steps, under the
// thread sanitizer: what one thread wrote must have happened before the other reads it.
#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

#include "native/executor.h"
#include "native/opcodes.h"
#include "native/run_control.h"

namespace {

constexpr int64_t kSteps = 20000;
constexpr int64_t kEpochSteps = 100;

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  failures++;
}

// One step adds the row loss to the loss and one row to the rows.
struct Setup {
  std::vector<float> arena = std::vector<float>(16, 0.5f);
  std::vector<double> scalars = {0, 0, 0};
  std::vector<double> metrics = std::vector<double>(3 * kSteps / kEpochSteps);
  float input = 0;
  fastmlp::Executor executor{*fastmlp::find_target("native-scalar"), 1, 1};
  fastmlp::Rows rows{&input, nullptr, nullptr, fastmlp::Element::float32, fastmlp::Element::float32};
  fastmlp::Run run{};
  fastmlp::RunControl control;
  int64_t done = 0;

  Setup() {
    std::vector<int32_t> operations(fastmlp::kOperationStride, 0);
    operations[0] = static_cast<int32_t>(fastmlp::Opcode::sum_losses);
    const std::string problem = executor.load(operations, 1, arena.data(), 16, scalars.data(), 3);
    expect(problem.empty(), problem.c_str());
    run.end = 1;
    run.rows_per_epoch = kEpochSteps;
    run.batch_size = 1;
    run.steps = kSteps;
    run.metrics = metrics.data();
  }

  void work() {
    do {
      done += executor.execute(rows, run, done, kSteps - done, &control);
    } while (done < kSteps && control.may_continue());
    control.set_finished();
  }
};

void halts_between_steps() {
  Setup setup;
  std::thread thread(&Setup::work, &setup);
  int64_t last = 0;
  for (int round = 0; round < 200; round++) {
    const fastmlp::RunProgress moving = setup.control.progress();
    expect(moving.loss == 0.5 * moving.rows, "progress is not of one step");
    setup.control.halt();
    setup.control.halt();
    const fastmlp::RunProgress progress = setup.control.progress();
    expect(progress.steps >= last, "steps go backwards");
    expect(progress.rows == setup.scalars[2], "progress differs from the scalars at rest");
    last = progress.steps;
    setup.scalars[1] = round;
    setup.control.resume();
    expect(setup.control.progress().steps == last, "moves although halted");
    setup.control.resume();
  }
  thread.join();
  expect(setup.done == kSteps, "not all steps were done");
  expect(setup.metrics.back() == static_cast<double>(kEpochSteps), "metrics of the last epoch are wrong");
}

void stops(bool halted) {
  Setup setup;
  std::thread thread(&Setup::work, &setup);
  if (halted) setup.control.halt();
  setup.control.stop();
  if (halted) setup.control.resume();
  thread.join();
  expect(setup.done <= kSteps, "too many steps");
}

}  // namespace

int main() {
  for (int round = 0; round < 20; round++) {
    halts_between_steps();
    stops(false);
    stops(true);
  }
  std::printf("%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}

// A team of threads under the thread sanitizer: every chunk of a job is executed once, what it wrote is seen by the
// owner, and a helper that is late, asleep or being ended takes part in nothing. Then an executor with such a team,
// several of them at once, whose results must not depend on the threads.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "native/executor.h"
#include "native/opcodes.h"
#include "native/team.h"
#include "native/thread_choice.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  failures++;
}

// Counts, without atomics, how often each chunk is executed.
class Counting final : public fastmlp::Job {
 public:
  explicit Counting(int chunks) : counts_(static_cast<size_t>(chunks), 0) {}
  void execute(int thread, int chunk) const override {
    counts_[static_cast<size_t>(chunk)] += 1;
    if (thread > 0) helped_.fetch_add(1, std::memory_order_relaxed);
  }
  bool each_is(int count) const {
    return std::all_of(counts_.begin(), counts_.end(), [count](int one) { return one == count; });
  }
  int helped() const { return helped_.load(std::memory_order_relaxed); }

 private:
  mutable std::vector<int> counts_;
  mutable std::atomic<int> helped_{0};
};

void executes_each_chunk_once(int threads) {
  fastmlp::Team team(threads);
  expect(team.threads() == threads, "a team has fewer threads than asked for");
  for (int round = 0; round < 400; round++) {
    const int chunks = 1 + round * 7 % 40;
    const Counting job(chunks);
    team.run(job, chunks, 1 + round % threads, round % 3 == 0);
    team.run(job, chunks, threads, round % 5 == 0);
    expect(job.each_is(2), "a chunk was not executed once a run");
    // Now and then helpers fall asleep, or are about to.
    if (round % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const Counting most(fastmlp::Team::kMostChunks);
  team.run(most, fastmlp::Team::kMostChunks, threads, true);
  expect(most.each_is(1), "a chunk of many was not executed once");
}

// Chunks of this job wait for each other.
class Meeting final : public fastmlp::Job {
 public:
  void execute(int, int) const override {
    arrived_.fetch_add(1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (arrived_.load() < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    if (arrived_.load() < 2) alone_.store(true);
  }
  bool was_alone() const { return alone_.load(); }

 private:
  mutable std::atomic<int> arrived_{0};
  mutable std::atomic<bool> alone_{false};
};

void wakes_sleepers() {
  fastmlp::Team team(2);
  for (int round = 0; round < 5; round++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const Meeting job;
    team.run(job, 2, 2, true);
    expect(!job.was_alone(), "a helper did not wake");
  }
}

void does_not_need_sleepers() {
  fastmlp::Team team(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const Counting job(8);
  team.run(job, 8, 2, false);
  expect(job.each_is(1) && job.helped() == 0, "a sleeper took part");
}

void ends_at_any_time() {
  for (int round = 0; round < 60; round++) {
    fastmlp::Team team(4);
    const Counting job(16);
    if (round % 3 > 0) team.run(job, 16, 4, true);
    if (round % 3 > 1) std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
  }
}

// A training step of one layer, large enough to be divided: forward, both gradients, an update.
class Training {
 public:
  static constexpr int kRows = 192;
  static constexpr int kInputs = 197;
  static constexpr int kUnits = 261;
  static constexpr int64_t kSteps = 16;

  Training(int threads, int cores) : executor_(*fastmlp::find_target("native-scalar"), threads, cores) {
    const int weights = take(kInputs * kUnits + kUnits);
    const int gradient = take(kInputs * kUnits + kUnits);
    const int x = take(kRows * kInputs);
    const int dx = take(kRows * kInputs);
    const int output = take(kRows * kUnits);
    const int biases = kInputs * kUnits;
    for (size_t i = 0; i < arena_.size(); i++) arena_[i] = static_cast<float>(i * 37 % 101) / 1010 - 0.05f;
    using fastmlp::Opcode;
    add(Opcode::gather_rows, {x, kInputs, -1, -1, 0});
    add(Opcode::linear_forward, {x, weights, weights + biases, -1, output, kInputs, kUnits, 2});
    add(Opcode::softmax_forward, {output, output, kUnits});
    add(Opcode::linear_backward_input, {output, weights, dx, x, kInputs, kUnits, 2});
    add(Opcode::linear_backward_weights, {x, output, gradient, gradient + biases, kInputs, kUnits});
    add(Opcode::sgd_step, {weights, gradient, -1, biases + kUnits, 3, -1, -1, 0});
    inputs_.resize(static_cast<size_t>(kRows) * kInputs);
    for (size_t i = 0; i < inputs_.size(); i++) inputs_[i] = static_cast<float>(i * 13 % 17) / 17;
    const std::string problem = executor_.load(operations_, kRows, arena_.data(),
                                               static_cast<int64_t>(arena_.size()), scalars_.data(), 4);
    expect(problem.empty(), problem.c_str());
  }

  void train() {
    fastmlp::Run run{};
    run.end = static_cast<int64_t>(operations_.size()) / fastmlp::kOperationStride;
    run.rows_per_epoch = kRows;
    // The last batch is smaller.
    run.batch_size = 120;
    run.steps = kSteps;
    run.metrics = metrics_.data();
    const fastmlp::Rows rows{inputs_.data(), nullptr, nullptr, fastmlp::Element::float32,
                             fastmlp::Element::float32};
    executor_.execute(rows, run, 0, kSteps, nullptr);
  }

  const std::vector<float>& arena() const { return arena_; }
  size_t workspace_bytes() const { return executor_.workspace_bytes(); }

 private:
  int take(int length) {
    const size_t offset = arena_.size();
    arena_.resize(offset + static_cast<size_t>(length));
    return static_cast<int>(offset);
  }
  void add(fastmlp::Opcode opcode, std::vector<int32_t> words) {
    words.insert(words.begin(), static_cast<int32_t>(opcode));
    words.resize(fastmlp::kOperationStride);
    operations_.insert(operations_.end(), words.begin(), words.end());
  }

  fastmlp::Executor executor_;
  std::vector<int32_t> operations_;
  std::vector<float> arena_;
  std::vector<float> inputs_;
  std::array<double, 4> scalars_ = {0, 0, 0, 0.01};
  std::array<double, 3 * kSteps> metrics_{};
};

void trains_the_same() {
  Training alone(1, 4);
  alone.train();
  const size_t workspace = alone.workspace_bytes();
  for (const int threads : {2, 3, 5}) {
    Training shared(threads, 4);
    shared.train();
    expect(shared.arena() == alone.arena(), "several threads make other numbers than one");
    expect(shared.workspace_bytes() == static_cast<size_t>(threads) * workspace, "nothing was divided");
  }
  std::vector<std::unique_ptr<Training>> many;
  std::vector<std::thread> owners;
  for (int index = 0; index < 4; index++) many.push_back(std::make_unique<Training>(3, 4));
  for (const auto& one : many) owners.emplace_back(&Training::train, one.get());
  for (std::thread& owner : owners) owner.join();
  for (const auto& one : many) expect(one->arena() == alone.arena(), "several trainers disturb each other");
}

}  // namespace

// Share of the steps that are divided if they take so long either way, and how many are needed to learn it.
double divided_share(fastmlp::ThreadChoice& choice, double divided, double alone, int steps) {
  int count = 0;
  for (int step = 0; step < steps; step++) {
    count += choice.divides() ? 1 : 0;
    choice.took(choice.divides() ? divided : alone);
  }
  return static_cast<double>(count) / steps;
}

void chooses_by_what_steps_take() {
  for (const double alone : {50e3, 5e6, 200e6}) {
    fastmlp::ThreadChoice choice;
    divided_share(choice, alone / 1.8, alone, 1000);
    expect(divided_share(choice, alone / 1.8, alone, 20000) > 0.96, "a faster team is left alone");
    divided_share(choice, alone * 1.5, alone, 2000);
    expect(divided_share(choice, alone * 1.5, alone, 20000) < 0.04, "a slower team goes on");
    divided_share(choice, alone / 1.8, alone, 40000);
    expect(divided_share(choice, alone / 1.8, alone, 20000) > 0.96, "a team that got faster is not found");
  }
}

// Half a minute of a team that is now faster, now slower than one thread, in stretches of random length: time
// beyond what one thread alone takes, as a share of that. A first trial is allowed for.
double excess(double alone, double gain, double loss, double stretch) {
  fastmlp::ThreadChoice choice;
  uint32_t state = 7;
  const auto random = [&] { return static_cast<double>((state = state * 1664525 + 1013904223) >> 8) / 0x1p24; };
  const double first_trial = 12e6 + 3 * alone * loss;
  double time = 0;
  double one_thread = 0;
  double left = 0;
  bool gains = false;
  while (time < 30e9) {
    if (left <= 0) {
      gains = !gains;
      left = 2 * stretch * random();
    }
    const double step = alone * (0.95 + 0.1 * random());
    const double took = choice.divides() ? step * (gains ? gain : loss) : step;
    choice.took(took);
    time += took;
    one_thread += step;
    left -= took;
  }
  return (time - first_trial) / one_thread - 1;
}

void never_loses_much() {
  for (const double alone : {50e3, 300e3, 5e6, 60e6}) {
    for (const double gain : {0.55, 0.97}) {
      for (const double loss : {1.1, 1.5, 3.0}) {
        for (const double stretch : {1e6, 5e6, 50e6, 500e6}) {
          expect(excess(alone, gain, loss, stretch) < 0.02, "a team that is slower at times costs too much");
        }
      }
    }
  }
}

int main() {
  for (const int threads : {1, 2, 3, 5, 8}) executes_each_chunk_once(threads);
  wakes_sleepers();
  does_not_need_sleepers();
  ends_at_any_time();
  trains_the_same();
  chooses_by_what_steps_take();
  never_loses_much();
  std::printf("%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}

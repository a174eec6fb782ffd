#include "native/executor.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "native/opcodes.h"
#include "native/plan_check.h"
#include "native/tiny_network.h"

namespace fastmlp {

namespace {

constexpr int64_t kMetrics = static_cast<int64_t>(ScalarCode::first_free);

// Somebody who trains on batches of every size makes them all learn anew.
constexpr size_t kMostChoices = 256;

using Clock = std::chrono::steady_clock;

// Rows, of one epoch or several, after which a run that goes on within an operation looks whether it is
// interrupted.
constexpr int64_t kRowsAtOnce = 64;

// Progress is published about so often, or after each step where steps take longer.
constexpr std::chrono::microseconds kPublishAfter{50};

// The first row of a batch of floats that lie one after the other; else null.
const float* consecutive_rows(const Batch& batch, int64_t columns) {
  const auto* const inputs = static_cast<const float*>(batch.source.inputs);
  if (batch.order == nullptr) return inputs + batch.position * columns;
  const auto first = static_cast<int64_t>(batch.order[0]);
  for (int64_t r = 1; r < batch.rows; r++) {
    if (static_cast<int64_t>(batch.order[r]) != first + r) return nullptr;
  }
  return inputs + first * columns;
}

// Counts the steps of a run to those after which to publish its progress. A short step costs less than a look
// at the clock.
class Publications {
 public:
  bool due() { return --left_ == 0; }
  void next() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kPublishAfter / 2) interval_ *= 2;
    if (now - last_ > kPublishAfter) interval_ = std::max<int64_t>(interval_ / 2, 1);
    last_ = now;
    left_ = interval_;
  }

 private:
  std::chrono::steady_clock::time_point last_{};
  int64_t interval_ = 1;
  int64_t left_ = 1;
};

// Runs under way in this process, and what takes a core like one. Nothing else is shared between executors,
// and nothing of an environment is.
std::atomic<int> active_runs{0};

// The first operation of a batch, in chunks.
class DividedOperation final : public Job {
 public:
  DividedOperation(const Target& target, const Batch& batch, const Partition& partition,
                   const std::vector<std::unique_ptr<AlignedBytes>>& workspaces)
      : target_(target), batch_(batch), partition_(partition), workspaces_(workspaces) {}

  void execute(int thread, int chunk) const override {
    Batch batch = batch_;
    batch.workspace = static_cast<float*>(workspaces_[static_cast<size_t>(thread)]->data());
    target_.execute_share(batch, partition_.chunk(chunk));
  }

 private:
  const Target& target_;
  const Batch& batch_;
  const Partition& partition_;
  const std::vector<std::unique_ptr<AlignedBytes>>& workspaces_;
};

// Whether `count` rows of `width` elements fit into `length`; never overflows.
bool fits(int64_t count, int64_t width, int64_t length) { return count <= length / width; }

size_t workspace_bytes_of(const Target& target) {
  return static_cast<size_t>(*target.workspace_size) * sizeof(float);
}

}  // namespace

ActiveRun::ActiveRun() { active_runs.fetch_add(1, std::memory_order_relaxed); }

ActiveRun::~ActiveRun() { active_runs.fetch_sub(1, std::memory_order_relaxed); }

Executor::Executor(const Target& target, int threads, int cores)
    : target_(target), threads_(threads), cores_(cores), panels_(target) {
  workspaces_.push_back(std::make_unique<AlignedBytes>(workspace_bytes_of(target)));
}

size_t Executor::workspace_bytes() const {
  return workspaces_.size() * workspace_bytes_of(target_) + panels_.bytes();
}

std::string Executor::load(std::vector<int32_t> operations, int64_t batch_capacity, float* arena,
                           int64_t arena_length, double* scalars, int64_t scalar_count) {
  std::string problem = check_plan(operations, batch_capacity, arena_length, scalar_count);
  if (!problem.empty()) return problem;
  operations_ = std::move(operations);
  batch_capacity_ = batch_capacity;
  arena_ = arena;
  scalars_ = scalars;
  scalar_count_ = scalar_count;
  partitions_.forget();
  panels_.forget();
  return problem;
}

std::string Executor::check(const Run& run, int64_t row_count, const RunLengths& lengths) const {
  const auto operation_count = static_cast<int64_t>(operations_.size()) / kOperationStride;
  const auto is_program = [&](int64_t begin, int64_t end) {
    return begin >= 0 && begin <= end && end <= operation_count;
  };
  if (!is_program(run.begin, run.end) || !is_program(run.more_begin, run.more_end) ||
      !is_program(run.update_begin, run.update_end))
    return "the plan has no such program";
  if (run.accumulated < 0) return "batches must not be negative";
  if (run.rows_per_epoch < 1 || run.batch_size < 1) return "an epoch and a batch need at least one row";
  if (std::min(run.batch_size, run.rows_per_epoch) > batch_capacity_)
    return "the plan is for smaller batches";
  if (run.first_step < 0 || run.steps < 0) return "steps must not be negative";

  const int64_t last_step = run.first_step + run.steps;
  const int64_t epoch_steps = run.steps_per_epoch();
  if (!fits(last_step / epoch_steps, kMetrics, lengths.metrics)) return "metrics are too short";
  if (run.rates != nullptr) {
    if (last_step > lengths.rates) return "the rates are too few";
    if (run.rate_scalar < 0 || run.rate_scalar >= scalar_count_) return "there is no such scalar";
  }
  if (run.order == nullptr) {
    if (run.rows_per_epoch > row_count) return "an epoch has more rows than there are";
  } else {
    if (!fits((last_step + epoch_steps - 1) / epoch_steps, run.rows_per_epoch, lengths.order)) {
      return "the order of the rows is too short";
    }
    uint32_t largest = 0;
    for (int64_t i = run.position(run.first_step); i < run.position(last_step); i++) {
      largest = std::max(largest, run.order[i]);
    }
    if (run.steps > 0 && largest >= row_count) return "the order names a row that does not exist";
  }

  const int64_t programs[][2] = {
      {run.begin, run.end}, {run.more_begin, run.more_end}, {run.update_begin, run.update_end}};
  for (const auto& program : programs) {
    for (int64_t index = program[0]; index < program[1]; index++) {
      const int32_t* words = operations_.data() + index * kOperationStride;
      const auto opcode = static_cast<Opcode>(words[0]);
      if (opcode == Opcode::gather_rows && !fits(row_count, words[2], lengths.inputs)) {
        return "inputs are too short";
      }
      if (opcode == Opcode::gather_targets && !fits(row_count, words[3], lengths.targets)) {
        return "targets are too short";
      }
      if (opcode == Opcode::train_rows) {
        const TinyNetwork network(*reinterpret_cast<const operands::train_rows*>(words + 1));
        if (!fits(row_count, network.layers[0].inputs, lengths.inputs)) return "inputs are too short";
        if (!fits(row_count, network.last().units, lengths.targets)) return "targets are too short";
      }
      if (opcode == Opcode::gather_labels && row_count > lengths.labels) return "labels are too short";
      if (opcode == Opcode::store_rows && !fits(run.rows_per_epoch, words[2], lengths.result)) {
        return "the result is too short";
      }
    }
  }
  return {};
}

const operands::gather_rows* Executor::gathering_to_spare(const Rows& rows, int64_t begin,
                                                          int64_t end) const {
  if (rows.input_element != Element::float32 || begin == end) return nullptr;
  const int32_t* const words = operations_.data() + begin * kOperationStride;
  if (static_cast<Opcode>(words[0]) != Opcode::gather_rows) return nullptr;
  const auto& gathering = *reinterpret_cast<const operands::gather_rows*>(words + 1);
  const bool may = gathering.inPlace != 0 && gathering.scale < 0 && gathering.offset < 0;
  return may ? &gathering : nullptr;
}

int Executor::threads_now() const {
  const int runs = active_runs.load(std::memory_order_relaxed);
  return runs <= 1 ? threads_ : std::clamp(cores_ / runs, 1, threads_);
}

ThreadChoice& Executor::choice_of(int64_t program, int64_t rows) {
  if (choices_.size() >= kMostChoices) choices_.clear();
  return choices_[{program, rows}];
}

Team& Executor::team() {
  if (team_ == nullptr) {
    team_ = std::make_unique<Team>(threads_);
    // Each thread is the first to touch its own, so that it lies near it.
    for (int thread = 1; thread < team_->threads(); thread++) {
      workspaces_.push_back(std::make_unique<AlignedBytes>(workspace_bytes_of(target_)));
    }
  }
  return *team_;
}

void Executor::execute_divided(Batch batch, const ProgramPartition& partition, int threads, bool wake) {
  const int32_t* const program = batch.begin;
  const int32_t* const end = batch.end;
  const auto count = static_cast<int64_t>(partition.operations.size());
  int64_t index = 0;
  while (index < count) {
    batch.begin = program + index * kOperationStride;
    const Partition& operation = partition.operations[static_cast<size_t>(index)];
    if (operation.chunks() > 1) {
      const DividedOperation job(target_, batch, operation, workspaces_);
      team().run(job, operation.chunks(), threads, wake || operation.alone - operation.time >= kWorthWaking);
      index++;
      continue;
    }
    do {
      index++;
    } while (index < count && partition.operations[static_cast<size_t>(index)].chunks() == 1);
    batch.end = program + index * kOperationStride;
    target_.execute(batch);
    batch.end = end;
  }
}

int64_t Executor::execute(const Rows& rows, const Run& run, int64_t first_step, int64_t steps,
                          RunControl* control) {
  const ActiveRun active;
  const int64_t epoch_steps = run.steps_per_epoch();
  int64_t epoch = first_step / epoch_steps;
  int64_t position = first_step % epoch_steps * run.batch_size;
  Batch batch{};
  const auto choose = [&](int64_t begin, int64_t end) {
    batch.begin = operations_.data() + begin * kOperationStride;
    batch.end = operations_.data() + end * kOperationStride;
  };
  choose(run.begin, run.end);
  // Of a program that begins a batch, without a gathering that may be spared.
  const auto choose_step = [&](int64_t begin, int64_t end) {
    const operands::gather_rows* const gathering = gathering_to_spare(rows, begin, end);
    batch.in_place = {};
    if (gathering != nullptr) {
      const float* const first = consecutive_rows(batch, gathering->columns);
      batch.in_place = {first, gathering->output, gathering->columns};
    }
    choose(batch.in_place.rows == nullptr ? begin : begin + 1, end);
  };
  batch.arena = arena_;
  batch.scalars = scalars_;
  batch.workspace = static_cast<float*>(workspaces_[0]->data());
  batch.source = rows;
  batch.result = run.result;
  batch.result_element = run.result_element;
  const auto publish = [&](int64_t step) {
    if (control != nullptr) {
      control->publish({first_step + step - run.first_step, scalars_[0], scalars_[1], scalars_[2]});
    }
  };
  Publications publications;
  const auto partition_for = [&](int threads) -> const ProgramPartition& {
    return partitions_.of(batch.begin, batch.end, batch.rows, threads);
  };
  batch.rows = std::min(run.batch_size, run.rows_per_epoch);
  // If all steps together save less than a thread costs, there is nothing to divide.
  const bool divides =
      threads_ > 1 && partition_for(threads_).saving * static_cast<double>(steps) > kWorthWaking;
  const int64_t usual_rows = batch.rows;
  const Program program{batch.begin, batch.end};
  const bool keeps_weights = WeightPanels::are_kept_by(program);
  if (keeps_weights) panels_.prepare(program, arena_, usual_rows, steps);
  ThreadChoice* const choice = divides ? &choice_of(run.begin, usual_rows) : nullptr;
  Clock::time_point begun = divides ? Clock::now() : Clock::time_point();
  const auto execute_program = [&](bool wake) {
    const int threads = divides && choice->divides() ? threads_now() : 1;
    const ProgramPartition* partition = threads > 1 ? &partition_for(threads) : nullptr;
    if (partition != nullptr && partition->saving > 0) {
      execute_divided(batch, *partition, threads, wake);
    } else {
      target_.execute(batch);
    }
  };
  // Steps of one row each go on within such an operation.
  const bool by_rows = run.batch_size == 1 && batch.end - batch.begin == kOperationStride &&
                       static_cast<Opcode>(*batch.begin) == Opcode::train_rows && run.rates == nullptr;
  batch.rows_per_epoch = by_rows ? run.rows_per_epoch : std::numeric_limits<int64_t>::max();
  for (int64_t step = 0; step < steps;) {
    if (control != nullptr && control->interrupted()) {
      publish(step);
      return step;
    }
    batch.rows = by_rows ? std::min(kRowsAtOnce, steps - step)
                         : std::min(run.batch_size, run.rows_per_epoch - position);
    batch.position = position;
    // An interruption may have made or changed something.
    if (!keeps_weights) panels_.forget();
    batch.packed_begin = panels_.begin();
    batch.packed_end = panels_.end();
    if (by_rows) batch.epoch_metrics = run.metrics + epoch * kMetrics;
    if (run.rates != nullptr) scalars_[run.rate_scalar] = run.rates[first_step + step];
    batch.order = run.order == nullptr ? nullptr : run.order + epoch * run.rows_per_epoch + position;
    const int64_t place = run.accumulated > 0 ? position / run.batch_size % run.accumulated : 0;
    if (place == 0)
      choose_step(run.begin, run.end);
    else
      choose_step(run.more_begin, run.more_end);
    execute_program(step == 0 || (divides && choice->begins()));
    position += batch.rows;
    if (run.accumulated > 0 && (place == run.accumulated - 1 || position >= run.rows_per_epoch)) {
      choose(run.update_begin, run.update_end);
      execute_program(false);
    }
    if (divides) {
      const Clock::time_point now = Clock::now();
      const std::chrono::duration<double, std::nano> time = now - begun;
      if (batch.rows == usual_rows) choice->took(time.count());
      begun = now;
    }
    step += by_rows ? batch.rows : 1;
    if (by_rows) {
      // Which has put down the metrics of the epochs that it ended.
      epoch += position / run.rows_per_epoch;
      position %= run.rows_per_epoch;
    } else if (position >= run.rows_per_epoch) {
      std::memcpy(run.metrics + epoch * kMetrics, scalars_, kMetrics * sizeof(double));
      std::memset(scalars_, 0, kMetrics * sizeof(double));
      position = 0;
      epoch++;
    }
    if (control != nullptr && publications.due()) {
      publish(step);
      publications.next();
    }
  }
  publish(steps);
  return steps;
}

}  // namespace fastmlp

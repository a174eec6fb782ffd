// Holds a plan and executes runs of it. Knows nothing of JavaScript.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "native/aligned_bytes.h"
#include "native/batch.h"
#include "native/dispatch.h"
#include "native/opcodes.h"
#include "native/partition.h"
#include "native/run_control.h"
#include "native/team.h"
#include "native/thread_choice.h"
#include "native/weight_panels.h"

namespace fastmlp {

// As Run in src/backends/backend.ts.
struct Run {
  int64_t begin;
  int64_t end;
  int64_t rows_per_epoch;
  int64_t batch_size;
  int64_t first_step;
  int64_t steps;
  const uint32_t* order;
  double* metrics;
  void* result;
  Element result_element;
  // What the scalar `rate_scalar` is before each step; null where it stays as it is.
  const double* rates;
  int64_t rate_scalar;
  // As Accumulation there: how many batches are accumulated, and the programs; 0 without.
  int64_t accumulated;
  int64_t more_begin;
  int64_t more_end;
  int64_t update_begin;
  int64_t update_end;

  int64_t steps_per_epoch() const { return (rows_per_epoch + batch_size - 1) / batch_size; }
  // Where the first row of a step is in the sequence of the epochs' rows.
  int64_t position(int64_t step) const {
    return step / steps_per_epoch() * rows_per_epoch + step % steps_per_epoch() * batch_size;
  }
  // The step that takes the row at a position.
  int64_t step_at(int64_t position) const {
    return position / rows_per_epoch * steps_per_epoch() + position % rows_per_epoch / batch_size;
  }
};

// Lengths, in elements, of what a run reads and writes; 0 for what is absent.
struct RunLengths {
  int64_t inputs;
  int64_t targets;
  int64_t labels;
  int64_t order;
  int64_t metrics;
  int64_t result;
  int64_t rates;
};

// While it lives, others in this process leave it the share of the cores that a run takes.
class ActiveRun {
 public:
  ActiveRun();
  ~ActiveRun();
  ActiveRun(const ActiveRun&) = delete;
  ActiveRun& operator=(const ActiveRun&) = delete;
};

class Executor {
 public:
  // `threads` is how many may work on a run, the one that calls execute() among them; `cores` is how many the
  // machine runs at a time.
  Executor(const Target& target, int threads, int cores);

  // Takes a plan. Arena and scalars belong to the caller and must live until the next call. Returns what is
  // wrong with the plan, in which case the old one stays, or an empty string.
  std::string load(std::vector<int32_t> operations, int64_t batch_capacity, float* arena,
                   int64_t arena_length, double* scalars, int64_t scalar_count);

  // What is wrong with a run over `row_count` rows, or an empty string.
  std::string check(const Run& run, int64_t row_count, const RunLengths& lengths) const;

  // Executes `steps` steps of a checked run from `first_step` on. With a control, publishes the progress now
  // and then and on leaving, and ends early when it asks for it. Returns the number of steps done. The first
  // run that is worth it starts the other threads. What is computed does not depend on how many there are.
  int64_t execute(const Rows& rows, const Run& run, int64_t first_step, int64_t steps, RunControl* control);

  // The arena has been written to, while no step was under way.
  void forget_panels() { panels_.forget(); }

  // What the kernels have beside the arena: workspaces, and weights in panels.
  size_t workspace_bytes() const;

 private:
  // The gathering that a program begins with, of rows that may be read where they lie; else null.
  const operands::gather_rows* gathering_to_spare(const Rows& rows, int64_t begin, int64_t end) const;
  // Threads for the next step: with several runs in the process, each takes its share of the cores.
  int threads_now() const;
  Team& team();
  // Of a program on batches of so many rows.
  ThreadChoice& choice_of(int64_t program, int64_t rows);
  void execute_divided(Batch batch, const ProgramPartition& partition, int threads, bool wake);

  const Target& target_;
  const int threads_;
  const int cores_;
  // One for each thread.
  std::vector<std::unique_ptr<AlignedBytes>> workspaces_;
  WeightPanels panels_;
  ProgramPartitions partitions_;
  std::map<std::pair<int64_t, int64_t>, ThreadChoice> choices_;
  std::vector<int32_t> operations_;
  int64_t batch_capacity_ = 0;
  int64_t scalar_count_ = 0;
  float* arena_ = nullptr;
  double* scalars_ = nullptr;
  // Last, so that its threads end before what they work on.
  std::unique_ptr<Team> team_;
};

}  // namespace fastmlp

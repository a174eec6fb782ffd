// How the thread of a run and the thread that started it talk to each other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace fastmlp {

struct RunProgress {
  int64_t steps;
  double loss;
  double correct;
  double rows;
};

class RunControl {
 public:
  // The running thread's side.

  // Whether to leave the loop over the steps: one load.
  bool interrupted() const { return requests_.load(std::memory_order_relaxed) != 0; }
  // Waits while halted. False if the run is to end.
  bool may_continue();
  // The thread touches nothing of the run any more.
  void set_finished();
  void publish(const RunProgress& progress);

  // The starting thread's side.

  // Returns when no step is running; resume() lets the run go on. Calls nest.
  void halt();
  void resume();
  // Ends the run at the next step, halted or not.
  void stop();
  int halts() const { return halts_; }
  RunProgress progress() const;

 private:
  static constexpr uint32_t kHalt = 1;
  static constexpr uint32_t kStop = 2;

  std::atomic<uint32_t> requests_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_: the thread waits, or is done.
  bool resting_ = false;
  bool finished_ = false;
  // Used by the starting thread alone.
  int halts_ = 0;
  // Odd while the numbers below are being changed.
  std::atomic<uint64_t> version_{0};
  std::atomic<int64_t> steps_{0};
  std::atomic<double> loss_{0};
  std::atomic<double> correct_{0};
  std::atomic<double> rows_{0};
};

}  // namespace fastmlp

// The threads that share the operations of one executor.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace fastmlp {

// Work cut into chunks, which any thread of the team may execute, in any order.
class Job {
 public:
  virtual void execute(int thread, int chunk) const = 0;

 protected:
  ~Job() = default;
};

// One owner, which is whoever calls run(), and helpers. A job's chunks are dealt out as one range for each
// thread; a thread that is done with its own range takes from the others'. Nobody waits for a thread that has
// claimed nothing, so a helper that sleeps, or is not running, costs nothing but its help.
//
// A thread's range lies on a cache line of its own as one number: sequence of the job, next chunk, end. The
// owner writes it with release order after the job; a claim is a compare-exchange with acquire order, so it
// sees the job, and fails if the range is of another job than the one looked at. Only then is the job read.
// What a chunk wrote is released by adding it to `done_`, which the owner acquires until all chunks are in;
// not before that does it change the job. The sequence has 40 bits: a helper that holds an old number would
// have to sleep for 2^40 jobs to claim a wrong chunk.
class Team {
 public:
  static constexpr int kMostChunks = 4095;

  // Up to `threads` with the owner, fewer if the system gives no more; `threads` >= 1.
  explicit Team(int threads);
  // Ends the helpers and waits for them; no job may be running.
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int threads() const { return threads_; }

  // Executes all chunks, at most kMostChunks, with the first `threads` threads; returns when they are done.
  // Calls must not overlap. With `wake`, helpers that sleep are woken.
  void run(const Job& job, int chunks, int threads, bool wake);

 private:
  static constexpr size_t kCacheLine = 64;

  struct alignas(kCacheLine) Slot {
    std::atomic<uint64_t> range{0};
    // Set by the helper when it goes to sleep, cleared by whoever wakes it.
    alignas(kCacheLine) std::atomic<bool> asleep{false};
    std::mutex mutex;
    std::condition_variable changed;
    std::thread thread;
    // The processor that the thread is kept off; the owner's business.
    int kept_off = -1;
  };

  void help(int thread);
  // Executes chunks of job `sequence` until none is unclaimed; returns how many.
  int work(int thread, uint64_t sequence);
  // Returns a number with another sequence than `sequence`, or 0 when the team ends.
  uint64_t wait_for_job(Slot& slot, uint64_t sequence);
  void wake_up(Slot& slot);

  int threads_;
  std::unique_ptr<Slot[]> slots_;
  std::atomic<bool> ending_{false};
  // Of the job; read by helpers after a claim only.
  const Job* job_ = nullptr;
  uint64_t sequence_ = 0;
  // Chunks that helpers have finished.
  alignas(kCacheLine) std::atomic<int> done_{0};
};

}  // namespace fastmlp

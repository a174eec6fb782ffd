#include "native/team.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#if defined(_MSC_VER)
#include <intrin.h>
#elif defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace fastmlp {

namespace {

// How long a helper looks out for the next job before it sleeps, see bench/NOTES-threads.md.
constexpr std::chrono::microseconds kLookOut{100};
// Looks between two glances at the clock.
constexpr int kGlance = 32;
// Looks after which the owner lets others run: the helper it waits for may have no processor.
constexpr int kPatience = 1000;

constexpr int kIndexBits = 12;
constexpr uint64_t kIndexMask = (1u << kIndexBits) - 1;
static_assert(Team::kMostChunks <= kIndexMask, "a chunk must fit into a range");

constexpr uint64_t pack(uint64_t sequence, int next, int end) {
  return sequence << 2 * kIndexBits | static_cast<uint64_t>(next) << kIndexBits | static_cast<uint64_t>(end);
}
constexpr uint64_t sequence_of(uint64_t range) { return range >> 2 * kIndexBits; }
constexpr int next_of(uint64_t range) { return static_cast<int>(range >> kIndexBits & kIndexMask); }
constexpr int end_of(uint64_t range) { return static_cast<int>(range & kIndexMask); }

// Tells the processor that this is a loop that waits.
inline void relax() {
#if defined(_MSC_VER) && defined(_M_X64)
  _mm_pause();
#elif defined(_MSC_VER)
  __yield();
#elif defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

// Where the caller runs; -1 if the system does not say.
int processor_of_caller() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Lets a thread run on every processor that the caller may use, but for the one where the caller is. A
// scheduler that likes to have a thread where its waker is would have it wait for the caller to give way,
// which does not.
void keep_off([[maybe_unused]] int processor, [[maybe_unused]] std::thread& thread, int* kept_off) {
  *kept_off = processor;
#if defined(__linux__)
  cpu_set_t others;
  if (processor < 0 || processor >= CPU_SETSIZE) return;
  if (sched_getaffinity(0, sizeof(others), &others) != 0) return;
  CPU_CLR(static_cast<size_t>(processor), &others);
  if (CPU_COUNT(&others) == 0) return;
  // A thread that may run anywhere is as right, only later.
  pthread_setaffinity_np(thread.native_handle(), sizeof(others), &others);
#endif
}

// Claims a chunk of job `sequence`: the first one of the thread's own range, the last one of another's.
// Returns -1 if there is none.
int claim(std::atomic<uint64_t>& range, uint64_t sequence, bool own) {
  uint64_t now = range.load(std::memory_order_relaxed);
  while (sequence_of(now) == sequence && next_of(now) < end_of(now)) {
    const int next = next_of(now) + (own ? 1 : 0);
    const int end = end_of(now) - (own ? 0 : 1);
    if (range.compare_exchange_weak(now, pack(sequence, next, end), std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return own ? next - 1 : end;
    }
  }
  return -1;
}

}  // namespace

Team::Team(int threads) : threads_(1), slots_(std::make_unique<Slot[]>(static_cast<size_t>(threads))) {
  try {
    for (; threads_ < threads; threads_++) {
      Slot& slot = slots_[static_cast<size_t>(threads_)];
      slot.thread = std::thread(&Team::help, this, threads_);
      keep_off(processor_of_caller(), slot.thread, &slot.kept_off);
    }
  } catch (const std::system_error&) {
    // The threads there are do the work of all.
  }
}

Team::~Team() {
  ending_.store(true, std::memory_order_relaxed);
  for (int thread = 1; thread < threads_; thread++) {
    Slot& slot = slots_[static_cast<size_t>(thread)];
    wake_up(slot);
    slot.thread.join();
  }
}

void Team::run(const Job& job, int chunks, int threads, bool wake) {
  const int sharing = std::min({threads, threads_, chunks});
  job_ = &job;
  sequence_++;
  done_.store(0, std::memory_order_relaxed);
  for (int thread = 0; thread < sharing; thread++) {
    Slot& slot = slots_[static_cast<size_t>(thread)];
    const int begin = thread * chunks / sharing;
    const int end = (thread + 1) * chunks / sharing;
    slot.range.store(pack(sequence_, begin, end), std::memory_order_release);
  }
  const int here = processor_of_caller();
  for (int thread = 1; thread < sharing; thread++) {
    Slot& slot = slots_[static_cast<size_t>(thread)];
    if (slot.kept_off != here) keep_off(here, slot.thread, &slot.kept_off);
    if (wake && slot.asleep.load(std::memory_order_relaxed)) wake_up(slot);
  }
  const int by_helpers = chunks - work(0, sequence_);
  for (int looks = 0; done_.load(std::memory_order_acquire) < by_helpers; looks++) {
    if (looks < kPatience) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

int Team::work(int thread, uint64_t sequence) {
  int finished = 0;
  for (int turn = 0; turn < threads_; turn++) {
    std::atomic<uint64_t>& range = slots_[static_cast<size_t>((thread + turn) % threads_)].range;
    int finished_here = 0;
    for (int chunk; (chunk = claim(range, sequence, turn == 0)) >= 0; finished_here++) {
      job_->execute(thread, chunk);
    }
    if (finished_here > 0 && thread > 0) done_.fetch_add(finished_here, std::memory_order_release);
    finished += finished_here;
  }
  return finished;
}

void Team::help(int thread) {
  Slot& slot = slots_[static_cast<size_t>(thread)];
  uint64_t sequence = 0;
  while (const uint64_t range = wait_for_job(slot, sequence)) {
    sequence = sequence_of(range);
    work(thread, sequence);
  }
}

uint64_t Team::wait_for_job(Slot& slot, uint64_t sequence) {
  using Clock = std::chrono::steady_clock;
  for (;;) {
    const Clock::time_point end = Clock::now() + kLookOut;
    do {
      for (int look = 0; look < kGlance; look++) {
        const uint64_t range = slot.range.load(std::memory_order_acquire);
        if (sequence_of(range) != sequence) return range;
        relax();
      }
      if (ending_.load(std::memory_order_relaxed)) return 0;
    } while (Clock::now() < end);
    // A job that comes in between is not seen before somebody wakes this thread: nobody waits for it.
    std::unique_lock<std::mutex> lock(slot.mutex);
    if (ending_.load(std::memory_order_relaxed)) return 0;
    slot.asleep.store(true, std::memory_order_relaxed);
    slot.changed.wait(lock, [&slot] { return !slot.asleep.load(std::memory_order_relaxed); });
  }
}

void Team::wake_up(Slot& slot) {
  {
    const std::lock_guard<std::mutex> lock(slot.mutex);
    slot.asleep.store(false, std::memory_order_relaxed);
  }
  slot.changed.notify_one();
}

}  // namespace fastmlp

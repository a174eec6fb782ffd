#include "native/run_control.h"

namespace fastmlp {

bool RunControl::may_continue() {
  std::unique_lock<std::mutex> lock(mutex_);
  resting_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return requests_.load() != kHalt; });
  resting_ = false;
  return (requests_.load() & kStop) == 0;
}

void RunControl::set_finished() {
  const std::lock_guard<std::mutex> lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

void RunControl::publish(const RunProgress& progress) {
  const uint64_t version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  steps_.store(progress.steps, std::memory_order_relaxed);
  loss_.store(progress.loss, std::memory_order_relaxed);
  correct_.store(progress.correct, std::memory_order_relaxed);
  rows_.store(progress.rows, std::memory_order_relaxed);
  version_.store(version + 2, std::memory_order_release);
}

RunProgress RunControl::progress() const {
  for (;;) {
    const uint64_t before = version_.load(std::memory_order_acquire);
    const RunProgress read{steps_.load(std::memory_order_relaxed), loss_.load(std::memory_order_relaxed),
                           correct_.load(std::memory_order_relaxed), rows_.load(std::memory_order_relaxed)};
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && version_.load(std::memory_order_relaxed) == before) return read;
  }
}

void RunControl::halt() {
  if (halts_++ > 0) return;
  std::unique_lock<std::mutex> lock(mutex_);
  requests_.fetch_or(kHalt);
  changed_.wait(lock, [this] { return resting_ || finished_; });
}

void RunControl::resume() {
  if (halts_ == 0 || --halts_ > 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  requests_.fetch_and(~kHalt);
  changed_.notify_all();
}

void RunControl::stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  requests_.fetch_or(kStop);
  changed_.notify_all();
}

}  // namespace fastmlp

// A run on a thread of its own.
#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "native/dataset.h"
#include "native/executor.h"
#include "native/run_control.h"

namespace fastmlp {

// Lives on the thread of its environment; only the loop over the steps runs elsewhere. While the run lasts it
// keeps the process alive. When the environment goes down first, the run is stopped and waited for.
class BackgroundRun {
 public:
  // `keep` are the JavaScript objects whose memory the run uses, `places` its order if that is not among
  // them. `on_finished` is called on the thread of the environment, after the promise has been resolved, and
  // may destroy this object.
  BackgroundRun(Napi::Env env, Executor& executor, std::shared_ptr<DatasetRows> dataset, const Run& run,
                const RunLengths& lengths, std::vector<Napi::ObjectReference> keep,
                std::vector<uint32_t> places, std::function<void()> on_finished);
  ~BackgroundRun();
  BackgroundRun(const BackgroundRun&) = delete;
  BackgroundRun& operator=(const BackgroundRun&) = delete;

  // Resolves with the number of steps done.
  Napi::Promise promise() const { return deferred_.Promise(); }
  RunControl& control() { return control_; }
  // What is wrong with the run for the plan that the executor has now, or an empty string.
  std::string check() const { return executor_.check(run_, dataset_->count(), lengths_); }
  // Returns when the thread has ended.
  void stop_and_wait();

 private:
  static void run_on_thread(BackgroundRun* self);
  static void finish(napi_env env, napi_value callback, void* context, void* data);
  static void on_environment_exit(void* self);

  Napi::Env env_;
  Executor& executor_;
  std::shared_ptr<DatasetRows> dataset_;
  Run run_;
  RunLengths lengths_;
  std::vector<Napi::ObjectReference> keep_;
  std::vector<uint32_t> places_;
  std::function<void()> on_finished_;
  Napi::Promise::Deferred deferred_;
  RunControl control_;
  int64_t steps_done_ = 0;
  napi_threadsafe_function wake_ = nullptr;
  std::thread thread_;
};

}  // namespace fastmlp

#include "native/background_run.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

namespace fastmlp {

BackgroundRun::BackgroundRun(Napi::Env env, Executor& executor, std::shared_ptr<DatasetRows> dataset,
                             const Run& run, const RunLengths& lengths,
                             std::vector<Napi::ObjectReference> keep, std::vector<uint32_t> places,
                             std::function<void()> on_finished)
    : env_(env),
      executor_(executor),
      dataset_(std::move(dataset)),
      run_(run),
      lengths_(lengths),
      keep_(std::move(keep)),
      places_(std::move(places)),
      on_finished_(std::move(on_finished)),
      deferred_(Napi::Promise::Deferred::New(env)) {
  const Napi::String name = Napi::String::New(env, "fastmlp run");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr,
                                                             nullptr, this, finish, &wake_);
  if (status != napi_ok) throw error(env, "cannot start a run");
  // Hooks run last come, first served: this one ends the thread before the environment takes `wake_` away.
  napi_add_env_cleanup_hook(env, on_environment_exit, this);
  try {
    thread_ = std::thread(run_on_thread, this);
  } catch (const std::system_error& failure) {
    napi_remove_env_cleanup_hook(env, on_environment_exit, this);
    napi_release_threadsafe_function(wake_, napi_tsfn_abort);
    throw error(env, std::string("cannot start a thread: ") + failure.what());
  }
}

BackgroundRun::~BackgroundRun() {
  stop_and_wait();
  napi_remove_env_cleanup_hook(env_, on_environment_exit, this);
}

void BackgroundRun::stop_and_wait() {
  control_.stop();
  if (thread_.joinable()) thread_.join();
}

void BackgroundRun::run_on_thread(BackgroundRun* self) {
  const int64_t steps = self->run_.steps;
  int64_t done = 0;
  do {
    const int64_t step = self->run_.first_step + done;
    const int64_t ready = std::min(steps - done, self->dataset_->steps_ready(self->run_, step));
    done += self->executor_.execute(self->dataset_->rows(), self->run_, step, ready, &self->control_);
  } while (done < steps && self->control_.may_continue());
  self->steps_done_ = done;
  self->control_.set_finished();
  napi_call_threadsafe_function(self->wake_, nullptr, napi_tsfn_nonblocking);
  napi_release_threadsafe_function(self->wake_, napi_tsfn_release);
}

void BackgroundRun::finish(napi_env env, napi_value, void* context, void*) {
  // Without an environment there is nobody to tell.
  if (env == nullptr) return;
  auto* self = static_cast<BackgroundRun*>(context);
  self->stop_and_wait();
  try {
    self->deferred_.Resolve(Napi::Number::New(env, static_cast<double>(self->steps_done_)));
    const std::function<void()> on_finished = std::move(self->on_finished_);
    on_finished();
  } catch (const Napi::Error&) {
    // The environment is being terminated and executes nothing any more; its cleanup hooks do the rest.
  }
}

void BackgroundRun::on_environment_exit(void* self) { static_cast<BackgroundRun*>(self)->stop_and_wait(); }

}  // namespace fastmlp

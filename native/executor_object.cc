#include "native/executor_object.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "native/binding.h"
#include "native/dispatch.h"
#include "native/huge_pages.h"

namespace fastmlp {

namespace {

constexpr uintptr_t kCacheLine = 64;
constexpr int64_t kMostThreads = 256;

// The twelve arguments of a run from `first` on.
struct RunArguments {
  Run run;
  RunLengths lengths{};

  RunArguments(const Napi::CallbackInfo& info, size_t first) {
    const Napi::Env env = info.Env();
    run.begin = whole_number(env, info[first]);
    run.end = whole_number(env, info[first + 1]);
    run.rows_per_epoch = whole_number(env, info[first + 2]);
    run.batch_size = whole_number(env, info[first + 3]);
    run.first_step = whole_number(env, info[first + 4]);
    run.steps = whole_number(env, info[first + 5]);
    const ArrayView order = array_view(env, info[first + 6], napi_uint32_array);
    const ArrayView metrics = array_view(env, info[first + 7], napi_float64_array);
    const ArrayView result = array_view(env, info[first + 8]);
    if (result.data != nullptr && result.type == napi_uint8_array)
      throw error(env, "the result must not be bytes");
    const ArrayView rates = array_view(env, info[first + 9], napi_float64_array);
    run.rates = static_cast<const double*>(rates.data);
    run.rate_scalar = whole_number(env, info[first + 10]);
    lengths.rates = rates.length;
    const ArrayView accumulation = array_view(env, info[first + 11], napi_int32_array);
    const auto* words = static_cast<const int32_t*>(accumulation.data);
    if (words != nullptr && accumulation.length != 5) throw error(env, "an accumulation has five numbers");
    run.accumulated = words == nullptr ? 0 : words[0];
    run.more_begin = words == nullptr ? run.begin : words[1];
    run.more_end = words == nullptr ? run.end : words[2];
    run.update_begin = words == nullptr ? run.begin : words[3];
    run.update_end = words == nullptr ? run.end : words[4];
    run.order = static_cast<const uint32_t*>(order.data);
    run.metrics = static_cast<double*>(metrics.data);
    run.result = result.data;
    run.result_element = result.data == nullptr ? Element::float32 : element_of(env, result);
    lengths.order = order.length;
    lengths.metrics = metrics.length;
    lengths.result = result.length;
  }
};

}  // namespace

Napi::Function ExecutorObject::constructor(Napi::Env env) {
  return DefineClass(env, "Executor",
                     {
                         InstanceMethod<&ExecutorObject::load>("load"),
                         InstanceMethod<&ExecutorObject::forget_panels>("forgetPanels"),
                         InstanceMethod<&ExecutorObject::run>("run"),
                         InstanceMethod<&ExecutorObject::start>("start"),
                         InstanceMethod<&ExecutorObject::halt>("halt"),
                         InstanceMethod<&ExecutorObject::resume>("resume"),
                         InstanceMethod<&ExecutorObject::stop>("stop"),
                         InstanceMethod<&ExecutorObject::progress>("progress"),
                         InstanceMethod<&ExecutorObject::dispose>("dispose"),
                     });
}

ExecutorObject::ExecutorObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ExecutorObject>(info), env_(info.Env()) {
  const std::string id = info[0].ToString().Utf8Value();
  const Target* target = find_target(id.c_str());
  if (target == nullptr || target->unusable() != nullptr) throw error(env_, "cannot use " + id);
  const int64_t threads = whole_number(env_, info[1]);
  const int64_t cores = whole_number(env_, info[2]);
  if (threads < 1 || threads > kMostThreads || cores < 1)
    throw error(env_, "threads and cores must be at least 1");
  executor_ = std::make_unique<Executor>(*target, static_cast<int>(threads),
                                         static_cast<int>(std::min(cores, kMostThreads)));
  report_memory();
}

ExecutorObject::~ExecutorObject() { release(); }

Executor& ExecutorObject::resting_executor(Napi::Env env) {
  if (executor_ == nullptr) throw error(env, "the executor has been disposed of");
  if (background_ != nullptr && background_->control().halts() == 0) throw error(env, "a run is in progress");
  return *executor_;
}

Napi::Value ExecutorObject::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Executor& executor = resting_executor(env);
  const ArrayView words = array_view(env, info[0], napi_int32_array);
  const ArrayView bytes = array_view(env, info[2], napi_uint8_array);
  const ArrayView scalars = array_view(env, info[4], napi_float64_array);
  const int64_t arena_length = whole_number(env, info[3]);
  const auto address = reinterpret_cast<uintptr_t>(bytes.data);
  const uintptr_t aligned = (address + kCacheLine - 1) & ~(kCacheLine - 1);
  const auto offset = static_cast<int64_t>(aligned - address);
  if (bytes.data == nullptr || arena_length > (bytes.length - offset) / static_cast<int64_t>(sizeof(float))) {
    throw error(env, "the buffer is too small for the arena");
  }
  prefer_huge_pages(bytes.data, static_cast<size_t>(bytes.length));
  const auto* first = static_cast<const int32_t*>(words.data);
  const std::string problem = executor.load(std::vector<int32_t>(first, first + words.length),
                                            whole_number(env, info[1]), reinterpret_cast<float*>(aligned),
                                            arena_length, static_cast<double*>(scalars.data), scalars.length);
  if (!problem.empty()) throw error(env, problem);
  buffer_ = Napi::Persistent(info[2].As<Napi::Object>());
  scalars_ = Napi::Persistent(info[4].As<Napi::Object>());
  reloaded_ = true;
  return Napi::Number::New(env, static_cast<double>(offset));
}

void ExecutorObject::forget_panels(const Napi::CallbackInfo& info) {
  resting_executor(info.Env()).forget_panels();
  report_memory();
}

void ExecutorObject::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Executor& executor = resting_executor(env);
  RunArguments arguments(info, 4);
  const int64_t row_count = whole_number(env, info[0]);
  const ArrayView inputs = array_view(env, info[1]);
  const ArrayView targets = array_view(env, info[2]);
  const ArrayView labels = array_view(env, info[3], napi_int32_array);
  const Rows rows{inputs.data, targets.data, static_cast<const int32_t*>(labels.data),
                  element_of(env, inputs),
                  targets.data == nullptr ? Element::float32 : element_of(env, targets)};
  if (rows.target_element == Element::uint8) throw error(env, "targets must not be bytes");
  arguments.lengths.inputs = inputs.length;
  arguments.lengths.targets = targets.length;
  arguments.lengths.labels = labels.length;
  const std::string problem = executor.check(arguments.run, row_count, arguments.lengths);
  if (!problem.empty()) throw error(env, problem);
  executor.execute(rows, arguments.run, arguments.run.first_step, arguments.run.steps, nullptr);
  report_memory();
}

Napi::Value ExecutorObject::start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (background_ != nullptr) throw error(env, "a run is in progress");
  Executor& executor = resting_executor(env);
  std::shared_ptr<DatasetRows> dataset = Dataset::Unwrap(info[0].As<Napi::Object>())->rows(env);
  RunArguments arguments(info, 1);
  arguments.lengths.inputs = dataset->lengths().inputs;
  arguments.lengths.targets = dataset->lengths().targets;
  arguments.lengths.labels = dataset->lengths().labels;
  const std::string problem = executor.check(arguments.run, dataset->count(), arguments.lengths);
  if (!problem.empty()) throw error(env, problem);
  const Run as_rows_stood = arguments.run;
  std::vector<uint32_t> places = dataset->places_for(as_rows_stood);
  uint32_t* const order = places.empty() ? nullptr : places.data();
  if (order != nullptr) {
    arguments.run.order = order;
    arguments.lengths.order = static_cast<int64_t>(places.size());
  }
  std::vector<Napi::ObjectReference> keep;
  for (size_t i = 7; i <= 10; i++) {
    if (info[i].IsObject()) keep.push_back(Napi::Persistent(info[i].As<Napi::Object>()));
  }
  const auto on_finished = [this] {
    last_progress_ = background_->control().progress();
    background_.reset();
    report_memory();
    Unref();
  };
  background_ = std::make_unique<BackgroundRun>(env, executor, dataset, arguments.run, arguments.lengths,
                                                std::move(keep), std::move(places), on_finished);
  // The run has begun, or waits for its rows.
  dataset->complete(&as_rows_stood, order);
  Ref();
  return background_->promise();
}

void ExecutorObject::halt(const Napi::CallbackInfo&) {
  if (background_ != nullptr) background_->control().halt();
}

void ExecutorObject::resume(const Napi::CallbackInfo& info) {
  if (background_ == nullptr) return;
  RunControl& control = background_->control();
  std::string problem;
  if (reloaded_ && control.halts() == 1 && executor_ != nullptr) {
    problem = background_->check();
    reloaded_ = false;
  }
  if (!problem.empty()) control.stop();
  control.resume();
  if (!problem.empty()) throw error(info.Env(), problem);
}

void ExecutorObject::stop(const Napi::CallbackInfo&) {
  if (background_ != nullptr) background_->control().stop();
}

void ExecutorObject::progress(const Napi::CallbackInfo& info) {
  const ArrayView into = array_view(info.Env(), info[0], napi_float64_array);
  if (into.length < 4) throw error(info.Env(), "progress takes four numbers");
  const RunProgress progress = background_ == nullptr ? last_progress_ : background_->control().progress();
  double* numbers = static_cast<double*>(into.data);
  numbers[0] = static_cast<double>(progress.steps);
  numbers[1] = progress.loss;
  numbers[2] = progress.correct;
  numbers[3] = progress.rows;
}

void ExecutorObject::report_memory() {
  const auto bytes = executor_ == nullptr ? 0 : static_cast<int64_t>(executor_->workspace_bytes());
  if (bytes != reported_bytes_) Napi::MemoryManagement::AdjustExternalMemory(env_, bytes - reported_bytes_);
  reported_bytes_ = bytes;
}

void ExecutorObject::dispose(const Napi::CallbackInfo&) { release(); }

// The promise of a run that is stopped here is resolved later, by its own way.
void ExecutorObject::release() {
  if (background_ != nullptr) background_->stop_and_wait();
  if (executor_ == nullptr) return;
  executor_.reset();
  report_memory();
  buffer_.Reset();
  scalars_.Reset();
}

}  // namespace fastmlp

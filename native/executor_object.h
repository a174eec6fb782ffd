// The executor as JavaScript sees it.
#pragma once

#include <napi.h>

#include <memory>

#include "native/background_run.h"
#include "native/executor.h"

namespace fastmlp {

// new Executor(targetId, threads, cores)
//   load(operations, batchCapacity, buffer, arenaLength, scalars): byte offset of the arena in the buffer
//   forgetPanels(), to be called after the arena has been written to
//   run(rowCount, inputs, targets, labels, ...run)
//   start(dataset, ...run): promise of the number of steps done
//     where run is begin, end, rowsPerEpoch, batchSize, firstStep, steps, order, metrics, result
//   halt(), resume(), stop(), progress(into): of the last run that was started
//   dispose()
class ExecutorObject : public Napi::ObjectWrap<ExecutorObject> {
 public:
  static Napi::Function constructor(Napi::Env env);
  explicit ExecutorObject(const Napi::CallbackInfo& info);
  ~ExecutorObject() override;

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  void forget_panels(const Napi::CallbackInfo& info);
  void run(const Napi::CallbackInfo& info);
  Napi::Value start(const Napi::CallbackInfo& info);
  void halt(const Napi::CallbackInfo& info);
  void resume(const Napi::CallbackInfo& info);
  void stop(const Napi::CallbackInfo& info);
  void progress(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  // Throws if disposed of, or if a step may be running.
  Executor& resting_executor(Napi::Env env);
  void release();
  // Tells the garbage collector of memory outside of its own.
  void report_memory();

  Napi::Env env_;
  std::unique_ptr<Executor> executor_;
  Napi::ObjectReference buffer_;
  Napi::ObjectReference scalars_;
  std::unique_ptr<BackgroundRun> background_;
  // Another plan came while a run was halted.
  bool reloaded_ = false;
  RunProgress last_progress_{};
  int64_t reported_bytes_ = 0;
};

}  // namespace fastmlp

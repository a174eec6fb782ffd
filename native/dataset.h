// Rows that outlive a call: copied into memory of their own, or read where they lie.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "native/aligned_bytes.h"
#include "native/batch.h"
#include "native/binding.h"
#include "native/executor.h"
#include "native/row_copy.h"

namespace fastmlp {

// What a run needs of a dataset; a run shares it, so that disposing of the dataset cannot hurt it. With
// `later` rows are copied by complete(), while a run over those that have been copied may be under way on
// another thread.
class DatasetRows {
 public:
  using Memory = std::vector<std::unique_ptr<AlignedBytes>>;

  DatasetRows(Napi::Env env, int64_t count, napi_value inputs, napi_value targets, napi_value labels,
              bool in_place, bool later, Memory spare);
  ~DatasetRows();
  DatasetRows(const DatasetRows&) = delete;
  DatasetRows& operator=(const DatasetRows&) = delete;

  int64_t count() const { return count_; }
  const Rows& rows() const { return rows_; }
  const RunLengths& lengths() const { return lengths_; }
  // Throws if memory that is read in place has been taken away.
  void require_intact() const;
  // See RowCopy.
  std::vector<uint32_t> places_for(const Run& run) { return copy_->places_for(run); }
  // Copies what has not been copied yet, on the thread of JavaScript, after require_intact(); see RowCopy.
  void complete(const Run* run = nullptr, uint32_t* places = nullptr);
  // Its memory, for another dataset; nobody may use this one afterwards.
  Memory give_up() { return std::move(copies_); }
  // On the thread of a run; see RowCopy.
  int64_t steps_ready(const Run& run, int64_t first_step) { return copy_->steps_ready(run, first_step); }

 private:
  // Fresh or spare memory.
  void* reserve(size_t bytes);
  const void* keep(const ArrayView& view, napi_value value, bool in_place);
  Element kept_element(const ArrayView& view, bool in_place) const;

  Napi::Env env_;
  int64_t count_;
  Rows rows_{};
  RunLengths lengths_{};
  Memory copies_;
  Memory spare_;
  std::vector<Napi::ObjectReference> references_;
  std::vector<ArrayView> views_;
  // From the views to memory of the dataset.
  std::vector<RowCopy::Part> parts_;
  std::unique_ptr<RowCopy> copy_;
  int64_t external_bytes_ = 0;
};

// new Dataset(count, inputs, targets, labels, inPlace, later, last); complete(); dispose(). `last` is a
// dataset that is not needed any more, whose memory is used again, or null.
class Dataset : public Napi::ObjectWrap<Dataset> {
 public:
  static Napi::Function constructor(Napi::Env env);
  explicit Dataset(const Napi::CallbackInfo& info);
  // Throws if disposed.
  std::shared_ptr<DatasetRows> rows(Napi::Env env) const;

 private:
  void complete(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  std::shared_ptr<DatasetRows> rows_;
};

}  // namespace fastmlp

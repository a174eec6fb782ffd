// Rows that outlive a call: copied into memory of their own, or read where they lie.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "native/batch.h"
#include "native/binding.h"
#include "native/executor.h"

namespace fastmlp {

// What a run needs of a dataset; a run shares it, so that disposing of the dataset cannot hurt it.
class DatasetRows {
 public:
  DatasetRows(Napi::Env env, int64_t count, napi_value inputs, napi_value targets, napi_value labels,
              bool in_place);
  ~DatasetRows();
  DatasetRows(const DatasetRows&) = delete;
  DatasetRows& operator=(const DatasetRows&) = delete;

  int64_t count() const { return count_; }
  const Rows& rows() const { return rows_; }
  const RunLengths& lengths() const { return lengths_; }
  // Throws if memory that is read in place has been taken away.
  void require_intact() const;

 private:
  const void* keep(const ArrayView& view, napi_value value, bool in_place);
  Element kept_element(const ArrayView& view, bool in_place) const;

  Napi::Env env_;
  int64_t count_;
  Rows rows_{};
  RunLengths lengths_{};
  std::vector<std::unique_ptr<AlignedBytes>> copies_;
  std::vector<Napi::ObjectReference> references_;
  std::vector<ArrayView> views_;
  int64_t external_bytes_ = 0;
};

// new Dataset(count, inputs, targets, labels, inPlace); dispose()
class Dataset : public Napi::ObjectWrap<Dataset> {
 public:
  static Napi::Function constructor(Napi::Env env);
  explicit Dataset(const Napi::CallbackInfo& info);
  // Throws if disposed.
  std::shared_ptr<DatasetRows> rows(Napi::Env env) const;

 private:
  void dispose(const Napi::CallbackInfo& info);
  std::shared_ptr<DatasetRows> rows_;
};

}  // namespace fastmlp

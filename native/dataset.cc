#include "native/dataset.h"

#include <algorithm>
#include <cstring>

#include "native/huge_pages.h"

namespace fastmlp {

DatasetRows::DatasetRows(Napi::Env env, int64_t count, napi_value inputs, napi_value targets,
                         napi_value labels, bool in_place)
    : env_(env), count_(count) {
  const ArrayView input_view = array_view(env, inputs);
  const ArrayView target_view = array_view(env, targets);
  const ArrayView label_view = array_view(env, labels, napi_int32_array);
  if (target_view.data != nullptr && target_view.type == napi_uint8_array) {
    throw error(env, "targets must not be bytes");
  }
  rows_.input_element = kept_element(input_view, in_place);
  rows_.target_element = kept_element(target_view, in_place);
  rows_.inputs = keep(input_view, inputs, in_place);
  rows_.targets = keep(target_view, targets, in_place);
  rows_.labels = static_cast<const int32_t*>(keep(label_view, labels, in_place));
  lengths_.inputs = input_view.length;
  lengths_.targets = target_view.length;
  lengths_.labels = label_view.length;
  Napi::MemoryManagement::AdjustExternalMemory(env_, external_bytes_);
}

DatasetRows::~DatasetRows() { Napi::MemoryManagement::AdjustExternalMemory(env_, -external_bytes_); }

// Copies of float64 are rounded once, so that every step reads half as much.
Element DatasetRows::kept_element(const ArrayView& view, bool in_place) const {
  if (view.data == nullptr) return Element::float32;
  const Element element = element_of(env_, view);
  return !in_place && element == Element::float64 ? Element::float32 : element;
}

const void* DatasetRows::keep(const ArrayView& view, napi_value value, bool in_place) {
  if (view.data == nullptr) return nullptr;
  if (in_place) {
    references_.push_back(Napi::Persistent(Napi::Object(env_, value)));
    views_.push_back(view);
    return view.data;
  }
  const auto length = static_cast<size_t>(view.length);
  const size_t bytes = view.type == napi_uint8_array ? length : length * sizeof(float);
  copies_.push_back(std::make_unique<AlignedBytes>(std::max<size_t>(bytes, 1)));
  void* copy = copies_.back()->data();
  prefer_huge_pages(copy, bytes);
  external_bytes_ += static_cast<int64_t>(bytes);
  if (view.type == napi_float64_array) {
    const double* from = static_cast<const double*>(view.data);
    float* to = static_cast<float*>(copy);
    for (size_t i = 0; i < length; i++) to[i] = static_cast<float>(from[i]);
  } else {
    std::memcpy(copy, view.data, bytes);
  }
  return copy;
}

void DatasetRows::require_intact() const {
  for (size_t i = 0; i < references_.size(); i++) {
    const ArrayView now = array_view(env_, references_[i].Value());
    if (now.data != views_[i].data || now.length < views_[i].length) {
      throw error(env_, "the memory of the dataset has been detached");
    }
  }
}

Napi::Function Dataset::constructor(Napi::Env env) {
  return DefineClass(env, "Dataset", {InstanceMethod<&Dataset::dispose>("dispose")});
}

Dataset::Dataset(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Dataset>(info) {
  rows_ = std::make_shared<DatasetRows>(info.Env(), whole_number(info.Env(), info[0]), info[1], info[2],
                                        info[3], info[4].ToBoolean().Value());
}

std::shared_ptr<DatasetRows> Dataset::rows(Napi::Env env) const {
  if (rows_ == nullptr) throw error(env, "the dataset has been disposed of");
  rows_->require_intact();
  return rows_;
}

void Dataset::dispose(const Napi::CallbackInfo&) { rows_.reset(); }

}  // namespace fastmlp

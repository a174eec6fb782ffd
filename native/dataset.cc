#include "native/dataset.h"

#include <algorithm>
#include <utility>

#include "native/huge_pages.h"

namespace fastmlp {

DatasetRows::DatasetRows(Napi::Env env, int64_t count, napi_value inputs, napi_value targets,
                         napi_value labels, bool in_place, bool later, Memory spare)
    : env_(env), count_(count), spare_(std::move(spare)) {
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
  spare_.clear();
  copy_ = std::make_unique<RowCopy>(count_, std::move(parts_));
  if (!later) complete();
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
  references_.push_back(Napi::Persistent(Napi::Object(env_, value)));
  views_.push_back(view);
  if (in_place) return view.data;
  const auto length = static_cast<size_t>(view.length);
  const size_t bytes = view.type == napi_uint8_array ? length : length * sizeof(float);
  void* copy = reserve(std::max<size_t>(bytes, 1));
  external_bytes_ += static_cast<int64_t>(bytes);
  const Element element = view.type == napi_int32_array ? Element::float32 : element_of(env_, view);
  parts_.push_back({view.data, copy, count_ > 0 ? view.length / count_ : 0, element});
  return copy;
}

void* DatasetRows::reserve(size_t bytes) {
  const auto fitting = std::find_if(spare_.begin(), spare_.end(), [bytes](const auto& one) {
    return one->size() >= bytes && one->size() / 2 <= bytes;
  });
  if (fitting == spare_.end()) {
    copies_.push_back(std::make_unique<AlignedBytes>(bytes));
    prefer_huge_pages(copies_.back()->data(), bytes);
  } else {
    copies_.push_back(std::move(*fitting));
    spare_.erase(fitting);
  }
  return copies_.back()->data();
}

void DatasetRows::complete(const Run* run, uint32_t* places) {
  if (copy_->is_complete()) return;
  copy_->complete(run, places);
  references_.clear();
  views_.clear();
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
  return DefineClass(
      env, "Dataset",
      {InstanceMethod<&Dataset::complete>("complete"), InstanceMethod<&Dataset::dispose>("dispose")});
}

Dataset::Dataset(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Dataset>(info) {
  DatasetRows::Memory spare;
  if (info[6].IsObject()) {
    std::shared_ptr<DatasetRows>& last = Unwrap(info[6].As<Napi::Object>())->rows_;
    // A run may still read it.
    if (last.use_count() == 1) spare = last->give_up();
    last.reset();
  }
  rows_ = std::make_shared<DatasetRows>(info.Env(), whole_number(info.Env(), info[0]), info[1], info[2],
                                        info[3], info[4].ToBoolean().Value(), info[5].ToBoolean().Value(),
                                        std::move(spare));
}

std::shared_ptr<DatasetRows> Dataset::rows(Napi::Env env) const {
  if (rows_ == nullptr) throw error(env, "the dataset has been disposed of");
  rows_->require_intact();
  return rows_;
}

void Dataset::complete(const Napi::CallbackInfo& info) { rows(info.Env())->complete(); }

void Dataset::dispose(const Napi::CallbackInfo&) { rows_.reset(); }

}  // namespace fastmlp

#include "native/dataset.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "native/huge_pages.h"

namespace fastmlp {

namespace {

// What is copied between two notices to a run that waits: a few hundred rows, which stay in the cache.
constexpr int64_t kPieceBytes = 1 << 19;

}  // namespace

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
  if (pending_.empty()) rows_copied_ = count_;
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
  pending_.push_back({views_.size() - 1, copy, count_ > 0 ? view.length / count_ : 0});
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

void DatasetRows::copy_rows(const Copy& copy, int64_t begin, int64_t end) const {
  const ArrayView& view = views_[copy.view];
  const auto first = static_cast<size_t>(begin * copy.width);
  const auto length = static_cast<size_t>((end - begin) * copy.width);
  if (view.type == napi_float64_array) {
    const double* from = static_cast<const double*>(view.data) + first;
    float* to = static_cast<float*>(copy.to) + first;
    for (size_t i = 0; i < length; i++) to[i] = static_cast<float>(from[i]);
  } else {
    const size_t size = view.type == napi_uint8_array ? 1 : sizeof(float);
    std::memcpy(static_cast<char*>(copy.to) + first * size,
                static_cast<const char*>(view.data) + first * size, length * size);
  }
}

void DatasetRows::complete() {
  if (pending_.empty()) return;
  int64_t width = 1;
  for (const Copy& copy : pending_) width += copy.width;
  const int64_t rows = std::max<int64_t>(1, kPieceBytes / static_cast<int64_t>(sizeof(float)) / width);
  for (int64_t begin = 0; begin < count_; begin += rows) {
    const int64_t end = std::min(begin + rows, count_);
    for (const Copy& copy : pending_) copy_rows(copy, begin, end);
    publish(end);
  }
  pending_.clear();
  references_.clear();
  views_.clear();
}

void DatasetRows::publish(int64_t rows) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    rows_copied_ = rows;
  }
  copied_.notify_one();
}

int64_t DatasetRows::steps_ready(const Run& run, int64_t first_step) {
  // Steps of the first epoch take the rows as they stand, those after it need no more.
  const int64_t steps = count_ / run.batch_size;
  const bool needs_all = run.order != nullptr || first_step >= steps;
  const int64_t needed = needs_all ? count_ : (first_step + 1) * run.batch_size;
  std::unique_lock<std::mutex> lock(mutex_);
  copied_.wait(lock, [&] { return rows_copied_ >= needed; });
  if (rows_copied_ == count_) return std::numeric_limits<int64_t>::max();
  return rows_copied_ / run.batch_size - first_step;
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

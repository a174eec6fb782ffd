// What the addon exports. Each environment (the main thread, a worker) gets its own classes; nothing is
// shared.
#include <napi.h>

#include <cmath>
#include <cstring>

#include "native/binding.h"
#include "native/dataset.h"
#include "native/dispatch.h"
#include "native/executor_object.h"
#include "native/opcodes.h"
#include "native/random_draws.h"

namespace fastmlp {

namespace {

// Every operation as `name(operand, operand)`, in the order of the opcodes.
Napi::Value operations(const Napi::CallbackInfo& info) {
#define FASTMLP_SIGNATURE(name, ...) #name "(" #__VA_ARGS__ ")",
  const char* const signatures[] = {FASTMLP_OPERATIONS(FASTMLP_SIGNATURE)};
#undef FASTMLP_SIGNATURE
  Napi::Array list = Napi::Array::New(info.Env());
  for (const char* signature : signatures) list[list.Length()] = signature;
  return list;
}

// Every enum of codes as `name(code, code)`.
Napi::Value codes(const Napi::CallbackInfo& info) {
#define FASTMLP_SIGNATURE(name, ...) #name "(" #__VA_ARGS__ ")",
  const char* const signatures[] = {FASTMLP_CODES(FASTMLP_SIGNATURE)};
#undef FASTMLP_SIGNATURE
  Napi::Array list = Napi::Array::New(info.Env());
  for (const char* signature : signatures) list[list.Length()] = signature;
  return list;
}

// The instruction sets, best first: { id, reason }, the reason null for those this machine can run.
Napi::Value targets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env);
  for (const Target& target : kTargets) {
    const char* reason = target.unusable();
    Napi::Object entry = Napi::Object::New(env);
    entry["id"] = target.id;
    entry["reason"] = reason == nullptr ? env.Null() : Napi::Value(Napi::String::New(env, reason));
    list[list.Length()] = entry;
  }
  return list;
}

// A block whose numbers times zero sum to zero holds no NaN and no infinity.
template <class T>
int64_t first_non_finite(const T* values, int64_t length) {
  constexpr int64_t kBlock = 1024;
  for (int64_t begin = 0; begin < length; begin += kBlock) {
    const int64_t end = begin + kBlock < length ? begin + kBlock : length;
    T sums[16] = {};
    int64_t i = begin;
    for (; i + 16 <= end; i += 16) {
      for (int64_t lane = 0; lane < 16; lane++) sums[lane] += values[i + lane] * T(0);
    }
    for (; i < end; i++) sums[0] += values[i] * T(0);
    T sum = 0;
    for (const T one : sums) sum += one;
    if (sum == T(0)) continue;
    for (i = begin; i < end; i++) {
      if (!std::isfinite(values[i])) return i;
    }
  }
  return -1;
}

Napi::Value first_non_finite_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ArrayView view = array_view(env, info[0]);
  int64_t index = -1;
  if (view.data != nullptr) {
    switch (element_of(env, view)) {
      case Element::float32:
        index = first_non_finite(static_cast<const float*>(view.data), view.length);
        break;
      case Element::float64:
        index = first_non_finite(static_cast<const double*>(view.data), view.length);
        break;
      case Element::uint8:
        break;
    }
  }
  return Napi::Number::New(env, static_cast<double>(index));
}

// Of the four words of a generator's state, the numbers to be drawn, for how many units, and the two numbers
// of the distribution.
template <Distribution distribution>
void draw_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ArrayView words = array_view(env, info[0], napi_int32_array);
  const ArrayView into = array_view(env, info[1]);
  uint32_t state[4];
  if (words.length != 4) throw error(env, "a generator has four words");
  std::memcpy(state, words.data, sizeof state);
  const int64_t units = whole_number(env, info[2]);
  const double first = info[3].ToNumber().DoubleValue();
  const double second = info[4].ToNumber().DoubleValue();
  if (units < 1) throw error(env, "there is at least one unit");
  if (into.data != nullptr) {
    switch (element_of(env, into)) {
      case Element::float32:
        draw(distribution, state, static_cast<float*>(into.data), into.length, units, first, second);
        break;
      case Element::float64:
        draw(distribution, state, static_cast<double*>(into.data), into.length, units, first, second);
        break;
      case Element::uint8:
        throw error(env, "what is drawn are not bytes");
    }
  }
  std::memcpy(words.data, state, sizeof state);
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports["operations"] = Napi::Function::New<operations>(env, "operations");
  exports["codes"] = Napi::Function::New<codes>(env, "codes");
  exports["targets"] = Napi::Function::New<targets>(env, "targets");
  exports["firstNonFinite"] = Napi::Function::New<first_non_finite_of>(env, "firstNonFinite");
  exports["drawNormals"] = Napi::Function::New<draw_of<Distribution::normal>>(env, "drawNormals");
  exports["drawUniforms"] = Napi::Function::New<draw_of<Distribution::uniform>>(env, "drawUniforms");
  exports["Executor"] = ExecutorObject::constructor(env);
  exports["Dataset"] = Dataset::constructor(env);
  return exports;
}

}  // namespace

}  // namespace fastmlp

static Napi::Object initialize_addon(Napi::Env env, Napi::Object exports) {
  return fastmlp::initialize(env, exports);
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, initialize_addon)

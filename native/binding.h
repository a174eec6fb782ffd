// Helpers for what comes from JavaScript. Everything here throws a JavaScript error for a wrong argument.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "native/batch.h"

namespace fastmlp {

// The elements of a typed array, where they are now; all null for `null` and `undefined`.
struct ArrayView {
  void* data = nullptr;
  int64_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
};

ArrayView array_view(Napi::Env env, napi_value value);
// As array_view, of exactly this type.
ArrayView array_view(Napi::Env env, napi_value value, napi_typedarray_type type);
// The element type of numbers: float32, uint8 or float64.
Element element_of(Napi::Env env, const ArrayView& view);
// An integer >= 0 that float64 holds exactly.
int64_t whole_number(Napi::Env env, napi_value value);

Napi::Error error(Napi::Env env, const std::string& problem);

}  // namespace fastmlp

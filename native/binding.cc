#include "native/binding.h"

namespace fastmlp {

ArrayView array_view(Napi::Env env, napi_value value) {
  ArrayView view;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &view.type, &length, &view.data, nullptr, nullptr) != napi_ok) {
    napi_valuetype kind;
    napi_typeof(env, value, &kind);
    if (kind != napi_null && kind != napi_undefined) throw error(env, "expected a typed array");
    return {};
  }
  view.length = static_cast<int64_t>(length);
  return view;
}

ArrayView array_view(Napi::Env env, napi_value value, napi_typedarray_type type) {
  const ArrayView view = array_view(env, value);
  if (view.data != nullptr && view.type != type) throw error(env, "a typed array has the wrong type");
  return view;
}

Element element_of(Napi::Env env, const ArrayView& view) {
  switch (view.type) {
    case napi_float32_array:
      return Element::float32;
    case napi_uint8_array:
      return Element::uint8;
    case napi_float64_array:
      return Element::float64;
    default:
      throw error(env, "expected a Float32Array, Float64Array or Uint8Array");
  }
}

int64_t whole_number(Napi::Env env, napi_value value) {
  double number = -1;
  const bool is_number = napi_get_value_double(env, value, &number) == napi_ok;
  if (!is_number || !(number >= 0 && number <= 9007199254740991.0))
    throw error(env, "expected a number >= 0");
  return static_cast<int64_t>(number);
}

Napi::Error error(Napi::Env env, const std::string& problem) {
  return Napi::Error::New(env, "fastmlp native: " + problem);
}

}  // namespace fastmlp

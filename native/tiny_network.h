// The network of a train_rows.
#pragma once

#include <cstdint>

#include "native/opcodes.h"
#include "native/simd/common.h"

namespace fastmlp {

// As src/plan/tiny-network.ts has it.
constexpr int kTinyLayers = 3;
constexpr int32_t kTinyUnits = 4;
constexpr int32_t kTinyWeights = 16;

struct TinyLayer {
  int32_t inputs;
  int32_t units;
  int32_t activation;
  // Of inputs × units weights and the biases behind them, from the first of the network on.
  int64_t offset;
};

struct TinyNetwork {
  TinyLayer layers[kTinyLayers];
  int count;
  int64_t parameters;

  FASTMLP_INLINE explicit TinyNetwork(const operands::train_rows& o) {
    const int32_t units[] = {o.units1, o.units2, o.units3};
    const int32_t activations[] = {o.activation1, o.activation2, o.activation3};
    int32_t inputs = o.inputs;
    int64_t offset = 0;
    for (count = 0; count < kTinyLayers && units[count] != 0; count++) {
      layers[count] = {inputs, units[count], activations[count], offset};
      offset += (static_cast<int64_t>(inputs) + 1) * units[count];
      inputs = units[count];
    }
    parameters = offset;
  }

  FASTMLP_INLINE const TinyLayer& last() const { return layers[count - 1]; }
  // The loss and its decision are taken from the net inputs of the last layer.
  FASTMLP_INLINE bool ends_in_net_inputs(int32_t loss) const {
    return static_cast<LossCode>(loss) == LossCode::binary_cross_entropy &&
           static_cast<ActivationCode>(last().activation) == ActivationCode::sigmoid;
  }
};

}  // namespace fastmlp

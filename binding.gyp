{
  # Flags of every target. Contraction is off so that a fused multiply-add happens only where a kernel spells it;
  # instruction sets beyond the platform's baseline are enabled on the kernels_* libraries alone. Those spell their
  # vectors; what the compiler would vectorise besides are the short loops over single numbers, which that slows down.
  "target_defaults": {
    "defines": ["NAPI_VERSION=8"],
    "include_dirs": ["."],
    "include_dirs": ["."],
    "cflags": ["-O3", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-std=gnu++2a"],
    "cflags_cc": ["-std=c++17", "-fvisibility-inlines-hidden"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "CLANG_CXX_LIBRARY": "libc++",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "11.0",
      "OTHER_CFLAGS": ["-ffp-contract=off"],
    },
    "msvs_settings": {
      "VCCLCompilerTool": {
        "AdditionalOptions": ["/std:c++17", "/fp:precise"],
        "ExceptionHandling": 1,
      },
    },
    "conditions": [
      ["target_arch=='x64'", {"defines": ["FASTMLP_X64"]}],
      ["target_arch=='arm64'", {"defines": ["FASTMLP_ARM64"]}],
      ["OS=='win'", {"defines": ["_HAS_EXCEPTIONS=1", "NOMINMAX", "_USE_MATH_DEFINES"]}],
    ],
  },
  "targets": [
    {
      "target_name": "fastmlp_native",
      "sources": [
        "native/addon.cc",
        "native/background_run.cc",
        "native/binding.cc",
        "native/cpu_features.cc",
        "native/dataset.cc",
        "native/dispatch.cc",
        "native/executor.cc",
        "native/executor_object.cc",
        "native/huge_pages.cc",
        "native/partition.cc",
        "native/plan_check.cc",
        "native/random_draws.cc",
        "native/row_copy.cc",
        "native/run_control.cc",
        "native/team.cc",
        "native/thread_choice.cc",
        "native/weight_panels.cc",
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      # A worker that is being terminated takes no exceptions any more; without the last of these that ends the process.
      "defines": [
        "NAPI_CPP_EXCEPTIONS", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
      ],
      "dependencies": ["kernels_scalar"],
      "cflags_cc!": ["-fno-exceptions"],
      "cflags_cc": ["-fexceptions"],
      "xcode_settings": {"GCC_ENABLE_CPP_EXCEPTIONS": "YES"},
      "conditions": [
        ["target_arch=='x64'", {"dependencies": ["kernels_avx2", "kernels_avx512"]}],
        ["target_arch=='arm64'", {"dependencies": ["kernels_neon"]}],
      ],
    },
    {
      "target_name": "kernels_scalar",
      "type": "static_library",
      "sources": ["native/targets/scalar.cc"],
    },
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "kernels_avx2",
          "type": "static_library",
          "sources": ["native/targets/avx2.cc"],
          "cflags": ["-mavx2", "-mfma", "-fno-tree-vectorize"],
          "xcode_settings": {"OTHER_CFLAGS": ["-mavx2", "-mfma", "-fno-tree-vectorize"]},
          "msvs_settings": {"VCCLCompilerTool": {"AdditionalOptions": ["/arch:AVX2"]}},
        },
        {
          "target_name": "kernels_avx512",
          "type": "static_library",
          "sources": ["native/targets/avx512.cc"],
          "cflags": [
            "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mfma", "-mprefer-vector-width=512",
            "-fno-tree-vectorize",
          ],
          "xcode_settings": {
            "OTHER_CFLAGS": [
              "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mfma", "-mprefer-vector-width=512",
              "-fno-tree-vectorize",
            ],
          },
          "msvs_settings": {"VCCLCompilerTool": {"AdditionalOptions": ["/arch:AVX512"]}},
        },
      ],
    }],
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "kernels_neon",
          "type": "static_library",
          "sources": ["native/targets/neon.cc"],
          "cflags": ["-fno-tree-vectorize"],
          "xcode_settings": {"OTHER_CFLAGS": ["-fno-tree-vectorize"]},
        },
      ],
    }],
  ],
}

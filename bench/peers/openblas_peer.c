// OpenBLAS as a contender for the three products of a layer: one thread, driven by words on standard input.
//
//   prepare PRODUCT BATCH UNITS INPUTS FILE   reads the two operands (float32), writes the product behind them
//   run REPEATS                               answers the seconds
//
// Row-major, with weights as inputs x units, as fastmlp keeps them:
//   linear_forward           Z (B x U) = X (B x I) W (I x U)            neither transposed
//   linear_backward_weights  dW (I x U) = X^T (I x B) delta (B x U)     the first transposed
//   linear_backward_input    dX (B x I) = delta (B x U) W^T (U x I)     the second transposed
// The biases and their gradient, which fastmlp computes besides, are left out here.
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

char *openblas_get_config(void);
char *openblas_get_corename(void);

static float *a, *b, *c;
static int m, n, k;
static enum CBLAS_TRANSPOSE transpose_a, transpose_b;

static float *allocate(size_t count) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, count * sizeof(float)) != 0) abort();
  return memory;
}

static void multiply(void) {
  const int lda = transpose_a == CblasTrans ? m : k;
  const int ldb = transpose_b == CblasTrans ? k : n;
  cblas_sgemm(CblasRowMajor, transpose_a, transpose_b, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, c, n);
}

static const char *prepare(const char *product, int batch, int units, int inputs, const char *path) {
  const int forward = strcmp(product, "linear_forward") == 0;
  const int weights = strcmp(product, "linear_backward_weights") == 0;
  m = weights ? inputs : batch;
  n = forward || weights ? units : inputs;
  k = forward ? inputs : weights ? batch : units;
  transpose_a = weights ? CblasTrans : CblasNoTrans;
  transpose_b = forward || weights ? CblasNoTrans : CblasTrans;
  free(a);
  free(b);
  free(c);
  const size_t size_a = (size_t)m * k, size_b = (size_t)k * n, size_c = (size_t)m * n;
  a = allocate(size_a);
  b = allocate(size_b);
  c = allocate(size_c);
  FILE *file = fopen(path, "r+b");
  if (file == NULL) return "cannot open the file";
  const int read = fread(a, sizeof(float), size_a, file) == size_a && fread(b, sizeof(float), size_b, file) == size_b;
  multiply();
  fseek(file, 0, SEEK_CUR);
  const int written = fwrite(c, sizeof(float), size_c, file) == size_c;
  return fclose(file) == 0 && read && written ? NULL : "cannot read or write the file";
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("{\"ok\":true,\"version\":\"%s, %s kernels\"}\n", openblas_get_config(), openblas_get_corename());
  char command[16], product[64], path[4096];
  while (scanf("%15s", command) == 1) {
    if (strcmp(command, "run") == 0) {
      long repeats;
      if (scanf("%ld", &repeats) != 1) return 1;
      const double start = now();
      for (long i = 0; i < repeats; i++) multiply();
      printf("{\"ok\":true,\"seconds\":%.9f}\n", now() - start);
    } else {
      int batch, units, inputs;
      if (scanf("%63s %d %d %d %4095s", product, &batch, &units, &inputs, path) != 5) return 1;
      const char *error = prepare(product, batch, units, inputs, path);
      if (error == NULL) printf("{\"ok\":true}\n");
      else printf("{\"ok\":false,\"error\":\"%s\"}\n", error);
    }
  }
  return 0;
}

/* What each kernel of the interface asks for: operations and compulsory bytes. */
#ifndef EXAMPLE_C_WORK_H
#define EXAMPLE_C_WORK_H

#include <mansard/sdk/abi.h>

/* What a kernel does, whatever does it. */
typedef struct work {
  double matrix, vector, special; /* operations */
  double read, written, sent;     /* bytes */
  double rows;                    /* that the array is filled with at once */
  double ranks;
} work;

/* 0 where a code of the kernel is not one of the interface's. */
int count_work(const mansard_kernel *kernel, work *out);

#endif

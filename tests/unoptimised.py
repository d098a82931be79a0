"""A plugin of pytest for suites that check logic: JAX compiles for every shape, and here it need not compile well."""

import os

os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # before anything imports JAX

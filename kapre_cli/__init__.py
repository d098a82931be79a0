"""The command `kapre`. A package beside `kapre`, so that its help need not wait for Keras."""

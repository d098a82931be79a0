"""The command `kapre`. It is a package beside `kapre`, so that its help does not have to wait for Keras."""

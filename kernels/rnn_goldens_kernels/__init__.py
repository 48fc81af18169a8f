"""The corpus ``kernels`` of rnn-goldens: data only."""

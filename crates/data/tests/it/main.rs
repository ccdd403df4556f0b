//! Integration tests of the data crate, on the real Fashion-MNIST.

mod fashion_mnist;

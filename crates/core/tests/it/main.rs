//! Integration tests of the core.

mod calibration;
mod captum;
mod corruptions;
mod keras;
mod npz;
mod opencv;
mod scikit_learn;

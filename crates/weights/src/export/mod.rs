//! A model's weights as another program names them and lays them out.

mod keras;
mod torch;

pub use keras::to_keras;
pub use torch::to_torch;

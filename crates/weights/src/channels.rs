//! In which order another program has the channels of each layer: ours are flattened channels last, PyTorch's channels first.
//!
//! *Idea*: a flattened `[h, w, c]` is `h w c` channels, and number `(y w + x) c + k` here is number `k h w + y w + x` there. What works on
//! each channel alone passes that on; a dense layer's rows undo it; where channels are taken apart by number, it cannot be undone.

use seamripper_core::graph::{Graph, Layer, NodeId, Source};

/// Blocks of channels, each flattened from `[h, w, c]`; `[1, 1, c]` are channels as they are.
pub(crate) type Order = Vec<[usize; 3]>;

/// The order of what `graph`'s nodes read first, and the nodes that cannot do with it.
pub(crate) struct Orders {
    of: Vec<Order>,
    input: Order,
    /// Nodes for which the order of channels makes a difference that permuted weights do not undo.
    pub(crate) broken: Vec<NodeId>,
}

impl Orders {
    /// PyTorch's.
    pub(crate) fn channels_first(graph: &Graph) -> Self {
        let mut orders = Self { of: Vec::new(), input: vec![[1, 1, graph.input[2]]], broken: Vec::new() };
        for (id, node) in graph.nodes.iter().enumerate() {
            let (source, c) = (node.inputs[0], node.output[2]);
            let first = orders.get(source).clone();
            let plain = is_plain(&first);
            let [h, w, channels] = graph.shape(source);
            let (order, fits) = match node.layer {
                Layer::Flatten if [h, w] == [1, 1] => (first, true),
                Layer::Flatten => (vec![[h, w, channels]], plain),
                Layer::Dense { .. } => (vec![[1, 1, c]], true),
                Layer::Conv2d { groups, .. } => (vec![[1, 1, c]], plain || groups == 1),
                Layer::Depthwise { .. } => (vec![[1, 1, c]], plain),
                Layer::Slice { .. } | Layer::Shuffle { .. } => (vec![[1, 1, c]], plain),
                Layer::Concat => {
                    (node.inputs.iter().flat_map(|&input| orders.get(input).clone()).collect(), true)
                }
                Layer::Add | Layer::Multiply => {
                    let alike = |&input: &Source| permutation(orders.get(input)) == permutation(&first);
                    let fits = node.inputs.iter().all(alike);
                    (first, fits)
                }
                _ => (first, true),
            };
            if !fits || (id + 1 == graph.nodes.len() && !is_plain(&order)) {
                orders.broken.push(id);
            }
            orders.of.push(order);
        }
        orders
    }

    /// The order of what `source` gives.
    pub(crate) fn get(&self, source: Source) -> &Order {
        match source {
            Source::Input => &self.input,
            Source::Node(id) => &self.of[id],
        }
    }
}

fn is_plain(order: &Order) -> bool {
    order.iter().all(|&[h, w, c]| h * w == 1 || c == 1)
}

/// For each channel here its number there; `None` if they are the same.
pub(crate) fn permutation(order: &Order) -> Option<Vec<usize>> {
    if is_plain(order) {
        return None;
    }
    let mut numbers = Vec::new();
    for &[h, w, c] in order {
        let first = numbers.len();
        numbers.extend((0..h * w * c).map(|ours| first + ours % c * h * w + ours / c));
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seamripper_core::recipe::graph_of;

    #[test]
    fn flattened_channels_are_numbered_as_pytorch_does() {
        // h = 1, w = 2, c = 3: ours is x k, theirs k x.
        assert_eq!(permutation(&vec![[1, 2, 3]]).unwrap(), [0, 2, 4, 1, 3, 5]);
        assert_eq!(permutation(&vec![[1, 1, 2], [1, 2, 2]]).unwrap(), [0, 1, 2, 4, 3, 5]);
        assert_eq!(permutation(&vec![[4, 4, 1], [1, 1, 5]]), None);
    }

    #[test]
    fn the_order_lasts_to_the_next_dense_layer() {
        let layers = ["conv 3 3x3", "flatten", "batch_norm", "relu", "dropout 0.1", "dense 4", "dense 2"];
        let graph = graph_of([4, 4, 1], &layers).unwrap();
        let orders = Orders::channels_first(&graph);
        let permuted: Vec<bool> = orders.of.iter().map(|order| !is_plain(order)).collect();
        assert_eq!(permuted, [false, true, true, true, true, false, false]);
        assert!(orders.broken.is_empty());
    }

    #[test]
    fn what_cannot_be_undone_is_found() {
        for layers in [
            &["conv 3 3x3", "flatten", "slice 0..6", "dense 2"][..],
            &["conv 3 3x3", "a: flatten", "b: dense 12", "add a", "dense 2"],
            &["conv 3 3x3", "flatten"],
        ] {
            let graph = graph_of([4, 4, 1], layers).unwrap();
            assert_eq!(Orders::channels_first(&graph).broken.len(), 1, "{layers:?}");
        }
    }
}

//! Softmax and cross-entropy of a few classes; plain loops.

use crate::exp::exp;

/// `probs[n, k] = exp(logits) / sum exp(logits)` by row, shifted by the largest logit so that nothing overflows.
pub fn softmax(logits: &[f32], k: usize, probs: &mut [f32]) {
    assert_eq!(logits.len(), probs.len(), "softmax");
    for (logits, probs) in logits.chunks_exact(k).zip(probs.chunks_exact_mut(k)) {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut total = 0.0;
        for (p, &logit) in probs.iter_mut().zip(logits) {
            *p = exp(logit - largest);
            total += *p;
        }
        for p in probs {
            *p /= total;
        }
    }
}

/// Cross-entropy `-sum over classes of target * ln softmax(logits)`, summed over rows, in nats.
///
/// `gradient[n, k] = (softmax(logits) sum(target) - target) * scale`, the derivative with respect to the logits of `scale`
/// times the returned sum. A target row sums to 1 but for rounding.
pub fn cross_entropy(logits: &[f32], targets: &[f32], k: usize, scale: f32, gradient: &mut [f32]) -> f64 {
    assert!(logits.len() == targets.len() && logits.len() == gradient.len(), "cross_entropy");
    let mut loss = 0.0;
    for ((logits, targets), gradient) in
        logits.chunks_exact(k).zip(targets.chunks_exact(k)).zip(gradient.chunks_exact_mut(k))
    {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (mut total, mut mass) = (0.0, 0.0);
        for ((g, &logit), &target) in gradient.iter_mut().zip(logits).zip(targets) {
            *g = exp(logit - largest);
            total += *g;
            mass += target;
        }
        let log_total = f64::from(total).ln();
        for ((g, &logit), &target) in gradient.iter_mut().zip(logits).zip(targets) {
            // A class without target mass adds nothing, even where its logit is -inf.
            if target != 0.0 {
                loss += f64::from(target) * (log_total - (f64::from(logit) - f64::from(largest)));
            }
            *g = (*g / total * mass - target) * scale;
        }
    }
    loss
}

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

/// Cross-entropy of two distributions at a temperature, `-T^2 sum over classes of softmax(teacher / T) ln softmax(logits / T)`, summed over
/// rows, in nats.
///
/// Adds to `gradient[n, k]` the derivative with respect to the logits of `scale` times the returned sum,
/// `T (softmax(logits / T) - softmax(teacher / T)) scale`.
///
/// *Reference*: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2, whose factor `T^2` keeps
/// gradients as large at every temperature.
pub fn imitation(
    logits: &[f32],
    teacher: &[f32],
    k: usize,
    temperature: f64,
    scale: f32,
    gradient: &mut [f32],
) -> f64 {
    assert!(logits.len() == teacher.len() && logits.len() == gradient.len(), "imitation");
    let cooled = |logits: &[f32]| logits.iter().map(|&x| x / temperature as f32).collect::<Vec<_>>();
    let mut targets = vec![0.0; teacher.len()];
    softmax(&cooled(teacher), k, &mut targets);
    let mut own = vec![0.0; logits.len()];
    let loss = cross_entropy(&cooled(logits), &targets, k, temperature as f32 * scale, &mut own);
    gradient.iter_mut().zip(own).for_each(|(gradient, own)| *gradient += own);
    temperature * temperature * loss
}

/// Focal loss `-sum over classes of target (1 - p)^gamma ln p` with `p = softmax(logits)`, summed over rows, in nats; with a `gamma`
/// of 0 that is [`cross_entropy`].
///
/// `gradient[n, k]` is the derivative with respect to the logits of `scale` times the returned sum:
/// ```text
/// h[c] = gamma p[c] (1 - p[c])^(gamma - 1) ln p[c] - (1 - p[c])^gamma,     0 where p[c] is 1
/// gradient[c] = (target[c] h[c] - p[c] sum(target h)) scale
/// ```
/// *Reference*: Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4, over a softmax in place of a sigmoid.
pub fn focal(logits: &[f32], targets: &[f32], k: usize, gamma: f64, scale: f32, gradient: &mut [f32]) -> f64 {
    assert!(logits.len() == targets.len() && logits.len() == gradient.len(), "focal");
    let mut loss = 0.0;
    let mut row = vec![0.0_f64; k];
    for ((logits, targets), gradient) in
        logits.chunks_exact(k).zip(targets.chunks_exact(k)).zip(gradient.chunks_exact_mut(k))
    {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (e, &logit) in row.iter_mut().zip(logits) {
            *e = f64::from(exp(logit - largest));
        }
        let total: f64 = row.iter().sum();
        let (log_total, mut slopes) = (total.ln(), 0.0);
        for (((g, e), &logit), &target) in gradient.iter_mut().zip(&row).zip(logits).zip(targets) {
            let (target, p, rest) = (f64::from(target), e / total, (total - e) / total);
            *g = 0.0;
            // At p = 1 loss and slope are 0 for every gamma above 0; a class without target mass adds nothing.
            if target != 0.0 && rest > 0.0 {
                let log_p = f64::from(logit) - f64::from(largest) - log_total;
                loss -= target * rest.powf(gamma) * log_p;
                // p ln p is 0 at p = 0, where ln p may be infinite.
                let steep = if p > 0.0 { gamma * p * rest.powf(gamma - 1.0) * log_p } else { 0.0 };
                let slope = target * (steep - rest.powf(gamma));
                slopes += slope;
                *g = slope as f32;
            }
        }
        for (g, e) in gradient.iter_mut().zip(&row) {
            *g = ((f64::from(*g) - e / total * slopes) * f64::from(scale)) as f32;
        }
    }
    loss
}

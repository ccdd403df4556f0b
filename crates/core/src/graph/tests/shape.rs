use proptest::prelude::*;

use crate::graph::{Padding, window_padding};

#[test]
fn windows_as_tensorflow_counts_them() {
    // input, size, stride -> valid (out) and same (top, out); see tf.nn's notes on padding
    let cases = [
        (28, 5, 1, 24, (2, 28)),
        (24, 3, 3, 8, (0, 8)),
        (7, 2, 2, 3, (0, 4)),
        (8, 3, 2, 3, (0, 4)),
        (5, 4, 1, 2, (1, 5)),
        (1, 5, 1, 0, (2, 1)),
        (10, 2, 5, 2, (0, 2)),
    ];
    for (input, size, stride, valid, (top, same)) in cases {
        let of = |padding| window_padding([input, 3], [size, 1], [stride, 1], padding);
        assert_eq!(of(Padding::Valid), ([0, 0], [valid, 3]), "{input} {size} {stride}");
        assert_eq!(of(Padding::Same), ([top, 0], [same, 3]), "{input} {size} {stride}");
    }
}

proptest! {
    #[test]
    fn windows_cover_what_they_should(input in 1_usize..40, size in 1_usize..12, stride in 1_usize..12) {
        let ([zero, _], [valid, _]) = window_padding([input; 2], [size; 2], [stride; 2], Padding::Valid);
        prop_assert_eq!(zero, 0);
        // counted one by one: every window that lies within the image
        prop_assert_eq!(valid, (0..input).step_by(stride).filter(|start| start + size <= input).count());

        let ([top, _], [same, _]) = window_padding([input; 2], [size; 2], [stride; 2], Padding::Same);
        prop_assert_eq!(same, (0..input).step_by(stride).count());
        let last_end = (same - 1) * stride + size;
        let below = last_end.saturating_sub(top + input);
        prop_assert!(below == top || below == top + 1 || (top == 0 && below == 0), "{} {}", top, below);
        for window in 0..same {
            let (start, end) = (window * stride, window * stride + size);
            prop_assert!(end > top && start < top + input, "window {} holds no pixel", window);
        }
    }

    #[test]
    fn no_size_overflows(input in any::<usize>(), size in 1..usize::MAX, stride in 1..usize::MAX) {
        for padding in [Padding::Valid, Padding::Same] {
            let (_, [out, _]) = window_padding([input; 2], [size; 2], [stride; 2], padding);
            prop_assert!(out <= input);
        }
    }
}

//! How the report looks: its width, and colors if the terminal has them.

use std::fmt::Display;
use std::io::IsTerminal;

use anstyle::{Ansi256Color, Style as Ansi};

/// How the report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences may be written.
    pub color: bool,
    /// Columns that lines should fit into; long class names are shortened for it.
    pub width: usize,
}

/// Of the 256-color palette, so that they look the same, and are legible, on a light and on a dark terminal.
const ORANGE: Ansi256Color = Ansi256Color(208);
const BLUE: Ansi256Color = Ansi256Color(33);

/// Background and text color (of the 256-color palette) for each step of an error's share: one hue, light to dark, so
/// that it reads without telling red from green, on a light and on a dark terminal.
const STEPS: [(u8, u8); 4] = [(223, 16), (215, 16), (208, 16), (130, 231)];

/// Lower ends of the steps, as shares of the images of the true class.
pub const STEP_ENDS: [f64; 4] = [0.01, 0.02, 0.05, 0.10];

impl Style {
    /// No color, 100 columns.
    pub const PLAIN: Self = Self { color: false, width: 100 };

    /// Color if stdout is a terminal and `NO_COLOR` (no-color.org) is unset or empty.
    pub fn for_stdout() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { color: std::io::stdout().is_terminal() && !no_color, ..Self::PLAIN }
    }

    pub fn title(self, text: impl Display) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    pub(super) fn diagonal(self, text: impl Display) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    pub fn dim(self, text: impl Display) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    /// A class that is predicted too often; orange and blue stay apart in every common color blindness.
    pub(super) fn too_often(self, text: impl Display) -> String {
        self.paint(Ansi::new().fg_color(Some(ORANGE.into())).bold(), text)
    }

    /// A class that is predicted too seldom.
    pub(super) fn too_seldom(self, text: impl Display) -> String {
        self.paint(Ansi::new().fg_color(Some(BLUE.into())).bold(), text)
    }

    /// An error that takes `share` of the images of its true class.
    pub(super) fn shaded(self, share: f64, text: impl Display) -> String {
        match STEP_ENDS.iter().rposition(|&end| share >= end) {
            Some(step) => {
                let (background, foreground) = STEPS[step];
                self.paint(Ansi256Color(foreground).on(Ansi256Color(background)), text)
            }
            None => text.to_string(),
        }
    }

    fn paint(self, ansi: Ansi, text: impl Display) -> String {
        if self.color { format!("{ansi}{text}{ansi:#}") } else { text.to_string() }
    }
}

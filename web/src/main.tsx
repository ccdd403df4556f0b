// The page: a bar with the views, and the view that the address names.

import { signal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { count, percent, plural } from "./format";
import * as live from "./live/model";
import { view } from "./route";
import { marks, report, selected, table, tableProblem, views } from "./state";
import "./styles.css";
import { Calibration } from "./views/calibration";
import { Compared } from "./views/compared";
import { Confusion } from "./views/confusion";
import { Duplicates } from "./views/duplicates";
import { Filters } from "./views/filters";
import { Findings } from "./views/findings";
import { Images } from "./views/images";
import { Lab } from "./views/lab";
import { Labels } from "./views/labels";
import { ImageMap } from "./views/map";
import { Robustness } from "./views/robustness";
import { Slices } from "./views/slices";
import { Training } from "./views/training";

/// The view, and whether it can do without the table of images.
const VIEWS: Record<string, [ComponentType, boolean]> = {
  findings: [Findings, true], confusion: [Confusion, true], images: [Images, false], filters: [Filters, true], lab: [Lab, false],
  robustness: [Robustness, true], slices: [Slices, true], calibration: [Calibration, false], labels: [Labels, false],
  duplicates: [Duplicates, true], map: [ImageMap, false], training: [Training, true], compared: [Compared, true],
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = signal(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => (theme.value = dark.matches ? "dark" : "light"));

function Page() {
  useEffect(() => void (document.documentElement.dataset.theme = theme.value), [theme.value]);
  const known = views.value.find(({ name }) => name === view.value) ?? views.value[0];
  useEffect(() => void (document.title = `${known.title}: ${report.name}`), [known]);
  const [View, alone] = VIEWS[known.name];
  const ready = alone || !report.rows || table.value;
  return (
    <>
      <header class="top">
        <div class="title">
          <span class="brand">seamripper</span>
          <h1 class="name">{report.name}</h1>
          <span class="soft small about">
            {report.evaluation && <>{count(report.evaluation.n)} {report.split ?? ""} images{report.source && <> of <span class="name">{report.source}</span></>} · {plural(report.classes.length, "class", "classes")} · accuracy {percent(report.evaluation.accuracy)}</>}
          </span>
          <span class="spacer" />
          <button class="plain small" type="button" onClick={() => (theme.value = theme.value === "dark" ? "light" : "dark")}>
            {theme.value === "dark" ? "Light" : "Dark"}
          </button>
        </div>
        <nav class="views" aria-label="Views">
          {views.value.map(({ name, title }) => (
            <a key={name} href={`#${name}`} aria-current={known.name === name ? "page" : undefined}>{title}</a>
          ))}
        </nav>
      </header>
      <main>
        {tableProblem.value && <p class="wrong" role="alert">The table of images cannot be read: {tableProblem.value}</p>}
        {ready ? <Shown key={known.name} View={View} /> : <p class="soft">Unpacking the images …</p>}
      </main>
      <Chosen />
    </>
  );
}

/// A view. What goes wrong in it is said, and the other views go on.
function Shown({ View }: { View: ComponentType }) {
  const [problem] = useErrorBoundary((error) => console.error(error));
  if (!problem) return <View />;
  return <p class="wrong" role="alert">This view cannot be drawn: {String(problem)}</p>;
}

/// What is selected, in every view.
function Chosen() {
  const [chosen, marked] = [selected.value.size, marks.value.size];
  if (!chosen) return null;
  return (
    <div class="bar-selection" role="status">
      <span>{plural(chosen, "image")} selected{marked ? `, ${marked} marked` : ""}</span>
      <a href="#images?only=selected">Look at them</a>
      <button type="button" onClick={() => (selected.value = new Set())}>Clear</button>
    </div>
  );
}

// For tests, and for those who open the console: what the page knows.
Object.assign(window, { seamripper: { report, table, live } });

render(<Page />, document.getElementById("app")!);

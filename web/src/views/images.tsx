// All images, by label, prediction, outcome, finding or name.

import { useMemo } from "preact/hooks";
import { count, plural, short } from "../format";
import { Browser } from "../parts/browser";
import { adjust, numberParam, params } from "../route";
import { report, selected, table } from "../state";
import { type Filter, type Order, rowsOf } from "../table";

export function ClassChoice(props: { label: string; name: string }) {
  return (
    <label class="field">
      {props.label}
      <select value={params.value.get(props.name) ?? ""} onChange={(event) => adjust({ [props.name]: event.currentTarget.value, image: null })}>
        <option value="">any</option>
        {report.classes.map((name, index) => <option value={index} key={index}>{short(name, 60)}</option>)}
      </select>
    </label>
  );
}

export function Images() {
  const rows = table.value!;
  const finding = numberParam("finding");
  const listed = finding === undefined ? null : report.findings[finding];
  const only = params.value.get("only");
  const filter: Filter = {
    label: numberParam("true"),
    predicted: numberParam("predicted"),
    outcome: (params.value.get("outcome") as Filter["outcome"]) ?? undefined,
    against: (params.value.get("against") as Filter["against"]) ?? undefined,
    text: params.value.get("text") ?? undefined,
    rows: listed
      ? listed.examples.map((id) => rows.rowOf.get(id)).filter((row) => row !== undefined)
      : only === "selected" ? [...selected.value] : undefined,
  };
  const order = (params.value.get("order") as Order) ?? "loss";
  const found = useMemo(() => rowsOf(rows, filter, order), [rows, JSON.stringify(filter), order]);
  const wrong = found.filter((row) => rows.labels[row] !== rows.predicted[row]).length;
  return (
    <>
      <div class="lead">
        <h2>{listed ? "Examples" : "Images"}</h2>
        <p>{listed ? <span class="name">{short(listed.title, 400)}</span> : `${plural(found.length, "image")} of ${count(rows.n)}, ${count(wrong)} wrong`}</p>
      </div>
      <div class="row" style={{ marginBottom: "16px" }}>
        <ClassChoice label="Label" name="true" />
        <ClassChoice label="Predicted" name="predicted" />
        <label class="field">
          Outcome
          <select value={filter.outcome ?? ""} onChange={(event) => adjust({ outcome: event.currentTarget.value, image: null })}>
            <option value="">any</option>
            <option value="wrong">wrong</option>
            <option value="right">right</option>
          </select>
        </label>
        <label class="field">
          First
          <select value={order} onChange={(event) => adjust({ order: event.currentTarget.value })}>
            <option value="loss">highest loss</option>
            <option value="unsure">least sure</option>
            <option value="sure">surest</option>
            <option value="id">first in the table</option>
          </select>
        </label>
        <label class="field">
          Name
          <input type="search" value={filter.text ?? ""} placeholder="part of an id" onInput={(event) => adjust({ text: event.currentTarget.value, image: null })} />
        </label>
        {listed && <button class="plain" type="button" onClick={() => adjust({ finding: null, image: null })}>All images</button>}
      </div>
      {found.length ? <Browser rows={found} /> : <p class="soft">No image fits.</p>}
    </>
  );
}

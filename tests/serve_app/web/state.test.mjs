// What the studio's state makes of what it is told.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const WEB = "../../../serve_app/web";
const { Curves } = await import(`${WEB}/state/curves.js`);
const { Store } = await import(`${WEB}/state/store.js`);
const { whatTheyAre } = await import(`${WEB}/state/voices.js`);
const { begin, draft, edits, save, undo } = await import(`${WEB}/state/edits.js`);
const { open } = await import(`${WEB}/state/task.js`);
const { Refused, clipPath, filePath } = await import(`${WEB}/api/http.js`);
const { formsOf, inFormsOf } = await import(`${WEB}/words/forms.js`);
const { judgedCell, judgedColumns } = await import(`${WEB}/views/judged.js`);
const { wav } = await import(`${WEB}/parts/recorder.js`);
const { inWords } = await import(`${WEB}/words/words.js`);

const metric = (attempt, step, value) => ({ attempt, data: { values: { loss: value }, step, epoch: step } });

test("two attempts are two lines over the same axis, with gaps where one has no number", () => {
  const curves = new Curves();
  for (const event of [metric(1, 10, 5), metric(1, 20, 4), metric(2, 20, 3), metric(2, 30, 2)]) curves.add(event);
  assert.deepEqual(curves.table("loss"), { attempts: [1, 2], data: [[10, 20, 30], [5, 4, null], [null, 3, 2]] });
});

test("an epoch that was done twice is counted once", () => {
  const curves = new Curves();
  for (const event of [metric(1, 10, 5), metric(1, 20, 4), metric(1, 20, 9)]) curves.add(event);
  assert.deepEqual(curves.table("loss").data, [[10, 20], [5, 4]]);
});

test("only the last attempts are drawn", () => {
  const curves = new Curves();
  for (let attempt = 1; attempt <= 6; attempt++) curves.add(metric(attempt, 1, attempt));
  assert.deepEqual(curves.table("loss").attempts, [3, 4, 5, 6]);
});

test("a watcher is told of changes until it leaves", () => {
  const store = new Store({ count: 1, other: 2 });
  let told = 0;
  const leave = store.watch(() => { told++; });
  store.set((old) => ({ count: old.count + 1 }));
  leave();
  store.set({ count: 9 });
  assert.deepEqual([told, store.value], [1, { count: 9, other: 2 }]);
});

test("files say what they would become, or what is missing", () => {
  const cases = [
    [["a-e15.ckpt", "a_e8_s96.pth", "ref.wav"], "trained", ""],
    [["a-e15.ckpt", "a_e8_s96.pth"], "trained", "import.noRecording"],
    [["a-e1.safetensors", "a_e1_s1.safetensors"], "trained", ""],
    [["a-e15.ckpt", "ref.wav"], "trained", "import.twoWeights"],
    [["voice.ZIP"], "archive", ""],
    [["voice.zip", "ref.wav"], "archive", "import.archiveAlone"],
    [["ref.flac"], "clone", ""],
    [[], "", "import.nothing"],
  ];
  for (const [names, kind, lacks] of cases) assert.deepEqual(whatTheyAre(names), { kind, lacks }, names.join());
  assert.equal(whatTheyAre(["happy.wav"], true).kind, "moods");
});

test("a refusal says the same in either dialect of the service", () => {
  const said = { code: "voice_disabled", message: "Out of use.", hint: "Ask Anna." };
  for (const problem of [said, { error: said }]) {
    const refused = new Refused(problem, 410);
    assert.deepEqual([refused.code, refused.message, refused.hint], ["voice_disabled", "Out of use.", "Ask Anna."]);
  }
});

test("names of files and clips are no parts of an address", () => {
  assert.equal(filePath("t", "input/第 1 [a]#?.wav"), "/task/t/files/download/input/%E7%AC%AC%201%20%5Ba%5D%23%3F.wav");
  assert.equal(clipPath("t", "a/b.wav", "/audio"), "/task/t/clips/a%2Fb.wav/audio");
});

test("a recording is a WAV file of 16 bits whose loudest samples are not torn", async () => {
  const view = new DataView(await wav([Float32Array.of(0, 2), Float32Array.of(-2)], 3, 48_000).arrayBuffer());
  assert.deepEqual([view.byteLength, view.getUint32(24, true), view.getUint32(40, true)], [50, 48_000, 6]);
  assert.deepEqual([44, 46, 48].map((at) => view.getInt16(at, true)), [0, 32767, -32767]);
});

// -- corrections of texts, with a service that is played here

let sent, answer;

beforeEach(() => {
  sent = [];
  open.set({ id: "t", task: { status: "completed" }, transcripts: [{ clip: "0.wav", text: "a", language: "en", include: true }] });
  edits.set({ task: "", drafts: {}, errors: {}, theirs: {}, undo: [] });
  begin("t");
  globalThis.fetch = async (path, options) => {
    const body = options?.body ? JSON.parse(options.body) : null;
    if (body) sent.push(body);
    return answer(path, body);
  };
  answer = (path, body) => Response.json({ clip: "0.wav", text: "a", language: "en", include: true, ...body }, { headers: { ETag: '"1"' } });
});

test("what is typed is kept in the browser until the service has it", async () => {
  draft("0.wav", "half a sent");
  assert.deepEqual(JSON.parse(localStorage.getItem("drafts:t")), { "0.wav": "half a sent" });
  await save("0.wav", { text: "a whole one" });
  assert.deepEqual(sent, [{ text: "a whole one" }]);
  assert.deepEqual(JSON.parse(localStorage.getItem("drafts:t")), {});
});

test("a change is taken back by sending what was there before", async () => {
  await save("0.wav", { text: "b" });
  assert.equal(open.value.transcripts[0].text, "b");
  assert.equal(await undo(), "0.wav");
  assert.equal(open.value.transcripts[0].text, "a");
});

test("an undo that nobody answered can be made again", async () => {
  edits.set({ undo: [[{ clip: "0.wav", before: { text: "x" } }, { clip: "1.wav", before: { text: "y" } }]] });
  answer = () => { throw new TypeError("fetch failed"); };
  await assert.rejects(undo());
  assert.equal(edits.value.undo.length, 1);
});

test("a refused change keeps what was typed, and says why", async () => {
  answer = () => Response.json({ code: "invalid_input", message: "Too long." }, { status: 422 });
  draft("0.wav", "typed");
  await save("0.wav", { text: "typed" });
  assert.equal(edits.value.errors["0.wav"].code, "invalid_input");
  assert.equal(edits.value.drafts["0.wav"], "typed");
});

// -- sentences of the service in another language

const { default: rows } = await import(`${WEB}/words/said.zh.json`, { with: { type: "json" } });
const forms = formsOf(rows);

test("a warning is said in Chinese with what it is about, also one inside another", () => {
  assert.equal(inFormsOf(forms, "a.wav was left out: its batch broke the training twice"), "a.wav 未参与：含有它的批次两次使训练出错");
  assert.equal(inFormsOf(forms, "The base model mini needs no extract_speaker_vectors; it was skipped."), "底模 mini 不需要 extract_speaker_vectors，已跳过。");
  assert.equal(inFormsOf(forms, "a b.wav: 1.2% of the samples are at full scale (clipped)."), "a b.wav：1.2% 的采样达到满幅（削波）。");
});

test("a sentence that has no form, or holds one, stays as it is", () => {
  for (const said of ["Something new.", "a.wav was left out: something new", "x: y"]) assert.equal(inFormsOf(forms, said), null, said);
});

test("what was heard in checkpoints is shown where anybody listened, and failures are marked", () => {
  const heard = { judged: { cer: 0.124, likeness: 0.8312, failed_pieces: 0.25, phones_per_second: 12.06 } };
  const sound = { judged: { cer: 0, likeness: 1 } }, nobody = { judged: {} };
  assert.deepEqual(judgedColumns([nobody, heard]), ["cer", "likeness", "phones_per_second", "failed_pieces"]);
  assert.deepEqual(judgedColumns([sound, nobody]), ["cer", "likeness"]);
  assert.deepEqual(judgedColumns([nobody]), []);
  assert.deepEqual(judgedColumns([heard]).map((name) => judgedCell(heard, name)), ["12 %", "0.83", "12.1", "⚠ 25 %"]);
  assert.equal(judgedCell(nobody, "cer"), "–");
});

const { default: refusals } = await import(`${WEB}/words/refused.zh.json`, { with: { type: "json" } });
const all = formsOf({ ...rows, ...refusals });

test("a message and its hint are said together, each in its own words", () => {
  const incomplete = "The base model v2 is not complete: 3 files are missing, among them a/s2G.pth. Run `gsv models pull v2`, or use the base model mini.";
  assert.equal(inFormsOf(all, incomplete), "底模 v2 不完整：缺少 3 个文件，例如 a/s2G.pth。请在首页下载它（或运行 `gsv models pull v2`），或使用底模 mini。");
  const none = "No recording is left. a.wav is empty (0 bytes). b.wav cannot be read as audio. And 3 more.";
  assert.equal(inFormsOf(all, none), "没有剩下可用的内容。a.wav 是空文件（0 字节）。b.wav 无法作为音频读取。另有 3 个。");
});

test("steps in a sentence are called as the page calls them", () => {
  const naming = (value) => ({ train_gpt: "训练节奏" }[value] ?? value);
  assert.equal(inFormsOf(all, "Run train_gpt first.", naming), "请先运行：训练节奏。");
});

test("what tells programs which request to send is not said to people", () => {
  const error = new Refused({ code: "conflict", message: "The task was deleted.", hint: "Have it back first: POST …/restore." }, 409);
  assert.equal(inWords(error), "The task was deleted.");
  assert.equal(inWords(new Refused({ code: "busy", message: "Busy.", hint: "Try again." }, 429)), "Busy. Try again.");
});

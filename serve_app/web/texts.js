// Every word of the page, in both languages. `show()` fills elements with data-text.

const TEXTS = {
  en: {
    other: "中文", skip: "Skip to the task", voices: "voices", tasks: "Tasks", newTask: "New task", name: "Name",
    speaker: "Speaker (file names)", language: "Language", baseModel: "Base model", epochsS2: "SoVITS epochs",
    epochsS1: "GPT epochs", batchSize: "Batch size", gpus: "GPUs, as 0-1", create: "Create", runAll: "Run all",
    run: "Run", again: "Again", cancel: "Cancel", delete: "Delete", drop: "Drop recordings here, or choose files",
    result: "The voice", steps: "Steps", curves: "Training", transcripts: "Transcripts", use: "Use",
    text: "Text", play: "Play", useMine: "Use mine", saveList: "Download as .list", loadList: "Upload it corrected", changed: "Changed", close: "Close",
    transcriptsHelp: "Listen, correct the words, untick what should not be trained on. Changes are saved at once.", files: "Files", log: "Log", empty: "Choose a task, or create one.",
    apiKey: "API key of this service", enter: "Enter", confirmDelete: "Delete this task with all its files?",
    stale: "out of date", download: "Download", uploaded: "Uploaded", offline: "The service does not answer.",
    report: "Quality of the recordings", measuring: "The clips are being measured …", leftOut: "Left out",
    verdict: { good: "good", check: "listen", bad: "bad" },
    step: {
      convert_audio: "Convert audio", slice_audio: "Cut into clips", denoise_audio: "Remove noise",
      asr_transcribe: "Transcribe", extract_text_features: "Text features", extract_audio_features: "Audio features",
      extract_speaker_vectors: "Speaker vectors", extract_semantic_features: "Semantic features",
      train_sovits: "Train SoVITS", train_gpt: "Train GPT", test_inference: "Speak a test", user: "you",
    },
    state: {
      created: "created", queued: "waiting", running: "running", completed: "done", failed: "failed",
      cancelled: "cancelled", skipped: "skipped", interrupted: "interrupted", paused: "paused",
    },
  },
  zh: {
    other: "English", skip: "跳到任务", voices: "声音", tasks: "任务", newTask: "新建任务", name: "名称",
    speaker: "说话人（用作文件名）", language: "语言", baseModel: "底模", epochsS2: "SoVITS 轮数",
    epochsS1: "GPT 轮数", batchSize: "批次大小", gpus: "GPU，如 0-1", create: "创建", runAll: "全部运行",
    run: "运行", again: "重跑", cancel: "取消", delete: "删除", drop: "把录音拖到这里，或点击选择文件",
    result: "合成的声音", steps: "步骤", curves: "训练曲线", transcripts: "文本", use: "使用",
    text: "内容", play: "播放", useMine: "用我的", saveList: "下载 .list", loadList: "上传修改后的 .list", changed: "已修改", close: "关闭",
    transcriptsHelp: "试听并修改文本，不想用于训练的取消勾选。修改即时保存。", files: "文件", log: "日志", empty: "请选择或新建一个任务。",
    apiKey: "本服务的 API 密钥", enter: "确定", confirmDelete: "删除该任务及其全部文件？",
    stale: "已过期", download: "下载", uploaded: "已上传", offline: "服务没有响应。",
    report: "录音质量", measuring: "正在检测片段……", leftOut: "不参与训练",
    verdict: { good: "良好", check: "请试听", bad: "不合格" },
    step: {
      convert_audio: "转换音频", slice_audio: "切分", denoise_audio: "降噪", asr_transcribe: "语音识别",
      extract_text_features: "文本特征", extract_audio_features: "音频特征", extract_speaker_vectors: "说话人向量",
      extract_semantic_features: "语义特征", train_sovits: "训练 SoVITS", train_gpt: "训练 GPT",
      test_inference: "试合成", user: "你",
    },
    state: {
      created: "已创建", queued: "等待中", running: "运行中", completed: "完成", failed: "失败",
      cancelled: "已取消", skipped: "已跳过", interrupted: "已中断", paused: "已暂停",
    },
  },
};

let current = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");

export function language() {
  return current;
}

export function text(name) {
  return name.split(".").reduce((found, part) => found?.[part], TEXTS[current]) ?? name;
}

// What a refusal of the service means. Its own sentence, which names the place, is English.
const MEANINGS = {
  zh: {
    not_found: "没有找到。", conflict: "在此期间内容已被修改。", step_not_ready: "前面的步骤还没有完成。",
    task_busy: "任务正在运行，请等待或先取消。", invalid_input: "输入有误。", too_large: "文件太大。",
    backend_missing: "缺少组件。", storage_full: "磁盘已满。", unavailable: "服务正在启动或停止，请稍后再试。",
    unauthorized: "API 密钥缺失或有误。",
  },
};

export function inWords(refusal) {
  const meaning = MEANINGS[current]?.[refusal.code];
  return meaning ? `${meaning}（${refusal.message}）` : refusal.message;
}

export function show() {
  document.documentElement.lang = current;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text);
  }
  const button = document.getElementById("language");
  button.textContent = text("other");
  button.lang = current === "en" ? "zh" : "en";
}

export function switchLanguage() {
  current = current === "en" ? "zh" : "en";
  localStorage.setItem("language", current);
  show();
}

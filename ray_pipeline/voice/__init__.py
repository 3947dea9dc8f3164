"""A trained voice that speaks: `voice` loads and speaks, `reference` prepares the recording
that is imitated, `cutting` cuts long texts."""

"""The adapters: one module or folder for each kind of channel, named in `config/channels.toml`."""

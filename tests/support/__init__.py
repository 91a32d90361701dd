"""What tests share: builders, fakes and helpers, one module for each subject."""

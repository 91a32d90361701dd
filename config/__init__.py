"""Settings as shipped: copied and changed by an installation."""

"""Practice channels: faithful local stand-ins that refuse what the real thing refuses."""

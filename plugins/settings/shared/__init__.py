"""What two or more settings share. Nothing in here is a setting, and nothing in here imports one."""

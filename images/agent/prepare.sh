# Runs while the agent image is built: the user, its directories, and no file that could raise rights.
set -eu
mkdir -p /home/agent /workspace
if id node >/dev/null 2>&1; then userdel --remove node; fi # the official Node image has a user 1000 of its own
groupadd --gid 1000 agent
useradd --uid 1000 --gid 1000 --home-dir /home/agent --no-create-home --shell /bin/bash agent
chown agent:agent /home/agent /workspace

find / -xdev -perm /6000 -exec chmod ug-s {} +
python3 - <<'PYTHON'
import os

for folder, _, files in os.walk('/usr'):
    for path in (os.path.join(folder, name) for name in files):
        if not os.path.islink(path) and 'security.capability' in os.listxattr(path):
            os.removexattr(path, 'security.capability')
PYTHON

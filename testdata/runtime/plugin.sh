#!/bin/sh
# Plays a CNI plugin in tests, under the name by which it is called. Next to it, the folder `log` gets what each call
# had (<number>.env, <number>.input, <number>.call) and the file `<name>.behaviour`, if there is one, is shell code that
# answers in place of the lines below. A test links to this file instead of writing one: a file that was written a moment
# ago cannot always be run ("text file busy").
here=${0%/*}
name=${0##*/}
number=$(ls "$here/log" | grep -c call)
env | sort >"$here/log/$number.env"
cat >"$here/log/$number.input"
echo "$CNI_COMMAND $name" >"$here/log/$number.call"
if [ -f "$here/$name.behaviour" ]; then
    . "$here/$name.behaviour"
fi
case $CNI_COMMAND in
ADD) echo '{"cniVersion": "1.1.0", "ips": [{"address": "10.1.0.5/16"}], "x": 1}' ;;
VERSION) echo '{"cniVersion": "1.1.0", "supportedVersions": ["1.0.0", "1.1.0"]}' ;;
esac

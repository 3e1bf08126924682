// Nothing to call: this target is linked for what it replaces. See CStartup.c.
#pragma once

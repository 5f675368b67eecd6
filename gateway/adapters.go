package gateway

import (
	"lafia/gateway/africastalking"
	"lafia/gateway/androidsms"
	"lafia/gateway/external"
	"lafia/gateway/hubtel"
	"lafia/gateway/infobip"
	"lafia/gateway/jasmin"
	"lafia/gateway/kannel"
	"lafia/gateway/lafricamobile"
	"lafia/gateway/message"
	"lafia/gateway/mtarget"
	"lafia/gateway/orange"
	"lafia/gateway/twilio"
	"lafia/gateway/vonage"
)

// Adapters are all adapters there are, one line each, in the order in which
// they are shown.
func Adapters() []message.Adapter {
	return []message.Adapter{
		africastalking.New(),
		androidsms.New(),
		orange.New(),
		infobip.New(),
		twilio.New(),
		hubtel.New(),
		external.New(),
		kannel.New(),
		jasmin.New(),
		vonage.New(),
		mtarget.New(),
		lafricamobile.New(),
	}
}

// AdapterNamed is the adapter with that name, or false.
func AdapterNamed(name string) (message.Adapter, bool) {
	for _, a := range Adapters() {
		if a.Name() == name {
			return a, true
		}
	}
	return nil, false
}

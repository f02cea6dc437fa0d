"""Phones that get pushes: register, rotate the token, rename, remove, list."""

import enum
from typing import Annotated

import strawberry
from strawberry import Info

from api.notifications.citizen import DEVICES, as_citizen, one_id, word
from api.representation.reading import told
from api.scalars import Instant
from notifications import devices, tables
from notifications.devices import Phone, TooManyDevices, checked_token

Id = Annotated[strawberry.ID, strawberry.argument(description="The device, as `devices` names it.")]
Token = Annotated[str, strawberry.argument(description="Firebase's registration token. It is kept encrypted.")]
Name = Annotated[str, strawberry.argument(description="What the citizen calls the phone, 1 to 60 characters.")]


@strawberry.enum(description="What a phone runs.")
class Platform(enum.Enum):
    ANDROID = strawberry.enum_value("android", description="Android.")
    IOS = strawberry.enum_value("ios", description="iOS or iPadOS.")
    WEB = strawberry.enum_value("web", description="A browser.")


@strawberry.type(description="A phone that gets pushes. Its token is never shown.")
class Device:
    id: strawberry.ID = strawberry.field(description="Its id.")
    name: str = strawberry.field(description="What the citizen calls it.")
    platform: Platform = strawberry.field(description="What it runs.")
    locale: str = strawberry.field(description="vi or en: the language of its pushes.")
    timezone: str = strawberry.field(description="Its IANA time zone, which quiet hours are told in.")
    registered_at: Instant = strawberry.field(description="Since when.")
    seen_at: Instant = strawberry.field(description="When its app last registered it.")

    @classmethod
    def of(cls, row: tables.Device) -> "Device":
        return cls(
            id=strawberry.ID(str(row.id)),
            name=row.name,
            platform=Platform(row.platform),
            locale=row.locale,
            timezone=row.timezone,
            registered_at=told(row.created_at),
            seen_at=told(row.seen_at),
        )


@strawberry.enum(description="Why a phone was not registered.")
class DeviceRefusalCode(enum.Enum):
    TOO_MANY_DEVICES = strawberry.enum_value("TOO_MANY_DEVICES", description="Remove one first: 20 are the most.")


@strawberry.type(description="The phone was not registered.")
class DeviceRefusal:
    code: DeviceRefusalCode = strawberry.field(description="Why not.")


RegisterDeviceResult = Annotated[
    Device | DeviceRefusal, strawberry.union("RegisterDeviceResult", description="The phone, or why it was refused.")
]


async def _devices(info: Info) -> list[Device]:
    rows = await as_citizen(info, "devices", DEVICES, lambda db, who, _now: devices.of_citizen(db, who))
    return [Device.of(row) for row in rows]


async def _register(
    info: Info,
    *,
    token: Token,
    platform: Annotated[Platform, strawberry.argument(description="What the phone runs.")],
    name: Name,
    locale: Annotated[str, strawberry.argument(description="The phone's language, such as vi or en-GB.")] = "vi",
    timezone: Annotated[str, strawberry.argument(description="Its IANA time zone.")] = "Asia/Ho_Chi_Minh",
) -> RegisterDeviceResult:
    phone = Phone.read(token=token, platform=word(platform), name=name, locale=locale, timezone=timezone)
    seals, client = info.context.seals, info.context.caller.client_id
    try:
        row = await as_citizen(
            info, "registerDevice", DEVICES, lambda db, who, now: devices.register(db, seals, who, client, phone, now)
        )
    except TooManyDevices:
        return DeviceRefusal(code=DeviceRefusalCode.TOO_MANY_DEVICES)
    return Device.of(row)


async def _rotate(info: Info, *, id: Id, token: Token) -> Device:  # noqa: A002 -- the schema's name
    device, new, seals = one_id(id), checked_token(token), info.context.seals
    row = await as_citizen(
        info, "rotateDeviceToken", DEVICES, lambda db, who, now: devices.rotate(db, seals, who, device, new, now)
    )
    return Device.of(row)


async def _rename(info: Info, *, id: Id, name: Name) -> Device:  # noqa: A002 -- the schema's name
    device = one_id(id)
    row = await as_citizen(info, "renameDevice", DEVICES, lambda db, who, _now: devices.rename(db, who, device, name))
    return Device.of(row)


async def _remove(info: Info, *, id: Id) -> Device:  # noqa: A002 -- the schema's name
    device = one_id(id)
    row = await as_citizen(info, "removeDevice", DEVICES, lambda db, who, now: devices.remove(db, who, device, now))
    return Device.of(row)


@strawberry.type
class DeviceQueries:
    devices: list[Device] | None = strawberry.field(
        resolver=_devices, description=f"The citizen's phones, newest first, at most 20. Scope: {DEVICES}"
    )


@strawberry.type
class DeviceMutations:
    register_device: RegisterDeviceResult | None = strawberry.field(
        resolver=_register,
        description=(
            "Let this phone get pushes; again with the same token to renew what is known of it. A token that another "
            f"citizen's phone had moves here. Scope: {DEVICES}"
        ),
    )
    rotate_device_token: Device | None = strawberry.field(
        resolver=_rotate, description=f"Firebase gave the phone a new token. Scope: {DEVICES}"
    )
    rename_device: Device | None = strawberry.field(
        resolver=_rename, description=f"Call a phone otherwise. Scope: {DEVICES}"
    )
    remove_device: Device | None = strawberry.field(
        resolver=_remove, description=f"Nothing more is sent to this phone. Scope: {DEVICES}"
    )

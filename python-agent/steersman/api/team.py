"""Who can be asked, and what they can do."""

from fastapi.responses import JSONResponse

from steersman.api.dependencies import Api
from steersman.api.examples import ROLES, TOOLS
from steersman.api.openapi import answer, routes
from steersman.api.schemas import RoleItem, RoleList, ToolItem, ToolList

router = routes(tags=["team"])


@router.get("/roles", responses={200: answer("The team.", RoleList, ROLES)})
async def list_roles(api: Api) -> JSONResponse:
    """List the roles that a task can be given to."""
    items = [
        RoleItem(
            role=name,
            description=role.description,
            model=role.model or api.default_model,
            tools=role.tools,
            limits=role.limits,
            default=name == api.default_role,
        )
        for name, role in api.team.roles.items()
    ]
    return JSONResponse(RoleList(items=tuple(items)).model_dump(mode="json"))


@router.get("/tools", responses={200: answer("All tools.", ToolList, TOOLS)})
async def list_tools(api: Api) -> JSONResponse:
    """List what the roles can do."""
    items = [
        ToolItem(
            tool=name,
            description=tool.description,
            effect=tool.effect.value,
            parameters=tool.specification().parameters,
        )
        for name, tool in api.tools.items()
    ]
    return JSONResponse(ToolList(items=tuple(items)).model_dump(mode="json"))
